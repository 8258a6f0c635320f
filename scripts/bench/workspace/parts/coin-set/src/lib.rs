//! A coin set.

states::states!(weight = 6, above = [account, chain]);
