//! The keys of linked devices are encrypted where a key file is configured, and stay so.

use std::ffi::OsString;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use contract_tests::client::Client;
use contract_tests::database::Database;
use contract_tests::lab::{ACCOUNT, Lab, ORGANIZATION, create_api_key};
use contract_tests::process::{self, Process};
use contract_tests::session::Session;
use contract_tests::wait::eventually;
use whatsapp_gateway::EncryptionKey;

use crate::forgetting::{found, private_keys};
use crate::process::assert_start_error;
use crate::world::{FRIEND, seed};

const SETTING: &str = "GATEWAY_ENCRYPTION_KEY_FILE";

/// A file with a key for its owner alone.
fn key_file(dir: &Path, byte: u8) -> PathBuf {
    let path = dir.join(format!("{byte}.key"));
    std::fs::write(&path, STANDARD.encode([byte; 32])).unwrap();
    std::fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    path
}

fn id(byte: u8) -> String {
    EncryptionKey::new(&[byte; 32]).id().to_owned()
}

/// One database and its api key, as a process with other settings serves it.
struct Rig {
    environment: Vec<(&'static str, OsString)>,
    token: String,
}

impl Rig {
    fn with(&self, key: Option<&Path>) -> Vec<(&'static str, OsString)> {
        let mut environment = self.environment.clone();
        environment.push(("GATEWAY_LISTEN", "127.0.0.1:0".into()));
        environment.extend(key.map(|key| (SETTING, key.into())));
        environment
    }

    async fn serve(&self, key: Option<&Path>) -> (Process, Client) {
        let gateway = Process::serve(&self.with(key)).await;
        let caller = Client::new(gateway.url()).with_token(&self.token);
        (gateway, caller)
    }

    /// The gateway does not start, and names the setting and the key that it lacks.
    async fn refused(&self, key: Option<&Path>, lacks: u8) {
        let output = process::run(&["serve"], &self.with(key)).await;
        assert_start_error(&output, SETTING);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(error.contains(&id(lacks)), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stolen_file_holds_no_key_of_a_device() {
    let lab = Lab::start().await;
    seed(&lab);
    let dir = tempfile::tempdir().unwrap();
    let database = Database::new().await;
    let (one, two) = (key_file(dir.path(), 1), key_file(dir.path(), 2));
    let store = database.store().await;
    let token = create_api_key(&store, ORGANIZATION, "read,send,manage", None).await;
    let rig = Rig {
        environment: database.environment(&lab.standin),
        token: token.1,
    };

    let (gateway, caller) = rig.serve(None).await;
    let session = Session::create(&caller).await;
    session.pair(&lab.standin, ACCOUNT).await;
    let mut keys = private_keys(&store, &session.id).await;
    assert_eq!(
        found(&database, &keys).await,
        keys.len(),
        "there to be found"
    );
    store.close().await;
    assert_eq!(gateway.terminate().await, Some(0));

    // Turned on, it encrypts what is there and what comes.
    let (gateway, caller) = rig.serve(Some(&one)).await;
    session.by(&caller).wait_status("working").await;
    let clean = async |keys: &[Vec<u8>]| {
        eventually("no key is in the clear", async || {
            (found(&database, keys).await == 0).then_some(())
        })
        .await;
    };
    clean(&keys).await;
    let other = Session::create(&caller).await;
    other.pair(&lab.standin, FRIEND).await;
    let store = database.store().await;
    let key = EncryptionKey::new(&[1; 32]);
    let store = store.unlock(Some(key), None).await.unwrap();
    keys.extend(private_keys(&store, &other.id).await);
    store.close().await;
    clean(&keys).await;
    let log = gateway.log();
    assert!(log.contains(&id(1)) && !log.contains(&STANDARD.encode([1; 32])));
    assert_eq!(gateway.terminate().await, Some(0));
    assert_eq!(found(&database, &keys).await, 0);

    rig.refused(None, 1).await;
    rig.refused(Some(&two), 1).await;
    let file = two.to_str().unwrap();
    let rotate = ["rotate-key", "--new-key-file", file];
    let output = process::run(&rotate, &rig.with(None)).await;
    assert_start_error(&output, SETTING);

    let output = process::run(&rotate, &rig.with(Some(&one))).await;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && said.contains(&id(2)), "{said}");
    rig.refused(Some(&one), 2).await;
    let (gateway, caller) = rig.serve(Some(&two)).await;
    for session in [&session, &other] {
        session.by(&caller).wait_status("working").await;
    }
    assert_eq!(gateway.terminate().await, Some(0));
    assert_eq!(found(&database, &keys).await, 0);
    lab.stop().await;
}
