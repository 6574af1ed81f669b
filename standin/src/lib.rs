//! A WhatsApp multi-device server for tests and the demo, on the real wire protocol.
//!
//! It listens for WebSockets, does Noise (XX, IK, XXfallback), links devices by QR and by pairing code, and answers what
//! a client asks after login, groups above all. The client under test is a stock one: it needs no feature and no patch,
//! it only pins [`Standin::server_key`] (see *Registration* below).
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use whatsapp_standin::{AddOutcome, GroupSpec, Person, Standin, StandinConfig};
//!
//! let standin = Standin::start(StandinConfig::default()).await?;
//! standin.add_account("628110000001")?;
//! standin.add_person(Person::new("628110000002"));
//! standin.add_person(Person::new("628110000003").with_outcome(AddOutcome::PrivacyDeclined));
//! let group = standin.add_group(GroupSpec::new("Team").admin("628110000001"));
//! // … point a client at `standin.url()` with `standin.server_key()`, read the QR it shows …
//! # let qr = "";
//! standin.phone("628110000001").scan(qr).await?;
//! standin.wait_connected("628110000001").await;
//! // … let it add people, then look:
//! assert_eq!(standin.iq_count("set w:g2 add"), 1);
//! assert!(standin.group(&group).role("628110000002").is_some());
//! # Ok(())
//! # }
//! ```
//!
//! # What it holds a client to
//! - The static Noise key of a login is the one that the phone vouched for; everything else is `<failure reason="401">`.
//! - A QR is good for its connection, its keys, once, and for as long as WhatsApp shows it; a pairing code for 180 s.
//! - An account that asks for a passkey ([`Standin::require_passkey`]) links after a WebAuthn assertion that holds, of this
//!   challenge, and after the companion has confirmed the code that [`Phone::passkey_code`] shows.
//! - The device signs its identity back at pairing, and uploads keys for that identity only.
//! - Notifications are repeated at the next login until they are acknowledged.
//! - An IQ that is not known here is refused with 501 and counted ([`Standin::unknown_iqs`]), not waved through.
//!
//! # Registration
//! A client does IK only when it looks registered. One that pins the key before it is paired therefore logs in as the
//! user `0`, which is read as a registration; one that does XX sends `device_pairing_data` and is served as well,
//! but a stock client then refuses the certificate chain, which only WhatsApp can sign.
//!
//! # Where the facts come from
//! No real WhatsApp server can be reached from a test. Stanzas, codes and their meanings are those that whatsapp-rust,
//! whatsmeow, Baileys and wa-js read; what none of them says is marked where it stands.
//!
//! # Limits
//! Messages reach the phones of people who are accounts ([`Phone::messages`]), without a receipt; those to groups are
//! acknowledged but go nowhere. App-state collections are empty. Companion devices are left out of device
//! lists. Missed notifications are kept in memory, 1,000 a device. There are no communities and no media.

mod code;
mod connection;
mod decline;
mod fault;
mod group;
mod group_entry;
mod group_handle;
mod group_iq;
mod group_node;
mod group_notification;
mod group_settings;
mod group_spec;
mod invitation;
mod iq;
mod keys;
mod link;
mod listen;
mod login;
mod message;
mod mex;
mod node;
mod noise;
mod passkey;
mod phone;
mod primary;
mod privacy_token;
mod server;
mod signal;
mod state;
mod webauthn;
mod wire;
mod world;

pub use fault::{Fault, LoginFault, When};
pub use group::{Addressing, Outcome, Role};
pub use group_handle::GroupHandle;
pub use group_settings::Setting;
pub use group_spec::{GroupSpec, Odd};
pub use link::LinkError;
pub use message::{Invitation, ReceivedMessage};
pub use node::Refusal;
pub use phone::Phone;
pub use server::{Standin, StandinConfig};
pub use world::{AddOutcome, Person};
