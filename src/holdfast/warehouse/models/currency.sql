-- The currency of a position (entity × 256 + currency).
create or replace temp macro position_currency(position) as enum_range(null::currency_code)[1 + (position & 255)]::varchar;
