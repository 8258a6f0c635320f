//! A balance.

states::states!(weight = 2, above = [account]);
