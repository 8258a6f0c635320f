//! A payment.

states::states!(weight = 16, above = [fee, order]);
