//! A contract.

states::states!(weight = 7, above = [balance, coin_set]);
