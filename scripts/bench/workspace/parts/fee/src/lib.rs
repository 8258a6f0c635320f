//! A fee.

states::states!(weight = 11, above = [coin_set, escrow]);
