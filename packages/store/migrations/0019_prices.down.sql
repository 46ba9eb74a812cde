drop trigger end_price_book on resources;
drop function end_price_book();
drop table price_rates, price_books, price_state;
drop function only_shorter(), price_changed();
update resources set spec = spec - array['publish', 'rounding'], status = '{"phase": "Ready"}' where kind = 'PriceBook';
