//! A ledger.

states::states!(weight = 13, above = [deposit, invoice]);
