//! A market. Each dependency is used, so that none can be left out unseen.

bitflags::bitflags! {
    struct New: u8 {
        const YES = 1;
    }
}

bitflags_of_old::bitflags! {
    struct Old: u8 {
        const YES = 1;
    }
}

own_macro::answer!();

/// What so many cost.
pub fn price(number: u64) -> u64 {
    let _guard = scopeguard::guard(number, drop);
    let flags = New::YES.bits() + Old::YES.bits();
    number * (answer() + u64::from(flags))
}

/// What is known of the market.
pub fn about() -> String {
    let version = semver::Version::new(1, 2, 3);
    format!(indoc::indoc! {"
        {} {}
    "}, version, ryu::Buffer::new().format(1.5))
}

/// How a lock of the market would have to behave.
pub trait Lock: lock_api::RawMutex {}
