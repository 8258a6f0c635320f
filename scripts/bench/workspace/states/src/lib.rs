//! What the packages in `parts` are made of: enough for the compiler to do, and one line to write.

pub use {json, serde};

/// The states that a thing can be in, and what it weighs together with those that it is above.
#[macro_export]
macro_rules! states {
    (weight = $weight:literal, above = [$($other:ident),*]) => {
        $crate::state!(Open);
        $crate::state!(Held);
        $crate::state!(Settled);
        $crate::state!(Disputed);
        $crate::state!(Closed);

        pub fn weight() -> i64 {
            $weight $(+ $other::weight())*
        }

        #[cfg(test)]
        mod tests {
            #[test]
            fn a_state_reads_back() {
                let state = super::Open { amounts: vec![1, $weight], ..super::Open::default() };
                assert_eq!(state.round_trip().unwrap(), state);
                assert_eq!(state.total(), 1 + $weight);
            }
        }
    };
}

#[macro_export]
macro_rules! state {
    ($name:ident) => {
        #[derive(Debug, Clone, Default, PartialEq, $crate::serde::Serialize, $crate::serde::Deserialize)]
        #[serde(crate = "states::serde", rename_all = "kebab-case")]
        pub struct $name {
            pub number: u64,
            pub amounts: Vec<i64>,
            pub notes: std::collections::BTreeMap<String, String>,
            pub parent: Option<Box<$name>>,
        }

        impl $name {
            pub fn total(&self) -> i64 {
                let own: i64 = self.amounts.iter().sum();
                own + self.parent.as_ref().map_or(0, |parent| parent.total())
            }

            pub fn round_trip(&self) -> $crate::json::Result<Self> {
                $crate::json::from_str(&$crate::json::to_string(self)?)
            }
        }
    };
}
