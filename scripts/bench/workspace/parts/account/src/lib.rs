//! An account.

states::states!(weight = 1, above = []);
