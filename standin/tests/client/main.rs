//! What a stock whatsapp-rust client sees of the stand-in.

mod faults;
mod groups;
mod pairing;
mod support;
mod xx;
