//! A digest list.

states::states!(weight = 9, above = [bond, deposit]);
