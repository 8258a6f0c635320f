//! A market.

states::states!(weight = 14, above = [digest_list, ledger]);
