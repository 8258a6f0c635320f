//! Who is told how far it is.

/// What is done with what happens meanwhile.
#[derive(Clone, Copy)]
pub struct Watch<'a> {
    /// A line for people.
    pub say: &'a dyn Fn(String),
    /// Bytes that came, and those that there are.
    pub progress: &'a dyn Fn(u64, u64),
}

impl std::fmt::Debug for Watch<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Watch")
    }
}
