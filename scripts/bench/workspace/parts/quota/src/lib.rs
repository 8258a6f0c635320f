//! A quota.

states::states!(weight = 17, above = [invoice, payment]);
