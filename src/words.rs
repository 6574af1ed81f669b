//! Enums that are words to callers and to the database.

/// A word that is not one of a set. It carries only the name of the set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a {0}")]
pub struct UnknownWord(pub &'static str);

/// An enum whose variants have words: those of the document and of the database.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident, $what:literal: $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)+) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)+
        }

        impl $name {
            /// Every one of them, in the document's order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word of the document and of the database.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::words::UnknownWord;

            fn from_str(word: &str) -> Result<Self, Self::Err> {
                let known = Self::ALL.iter().find(|known| known.as_str() == word);
                known.copied().ok_or($crate::words::UnknownWord($what))
            }
        }
    };
}
pub(crate) use words;
