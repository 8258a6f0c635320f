//! A receipt.

states::states!(weight = 18, above = [ledger, quota]);
