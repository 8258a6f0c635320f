//! As much of `scopeguard` as the workspace and `lock_api` need.
#![no_std]

use core::ops::{Deref, DerefMut};

/// Calls a function with a value at the end.
pub struct ScopeGuard<T, F: FnOnce(T)>(Option<(T, F)>);

/// A guard of `value`.
pub fn guard<T, F: FnOnce(T)>(value: T, dropped: F) -> ScopeGuard<T, F> {
    ScopeGuard(Some((value, dropped)))
}

impl<T, F: FnOnce(T)> Deref for ScopeGuard<T, F> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0.as_ref().expect("it is there until the end").0
    }
}

impl<T, F: FnOnce(T)> DerefMut for ScopeGuard<T, F> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0.as_mut().expect("it is there until the end").0
    }
}

impl<T, F: FnOnce(T)> Drop for ScopeGuard<T, F> {
    fn drop(&mut self) {
        if let Some((value, dropped)) = self.0.take() {
            dropped(value);
        }
    }
}

/// Does something at the end of the block.
#[macro_export]
macro_rules! defer {
    ($($what:tt)*) => {
        let _guard = $crate::guard((), |()| { $($what)* });
    };
}
