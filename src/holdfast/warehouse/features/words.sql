-- Words of the features. Sums of `exact` numbers are the same in any order, as those of whole numbers are: a figure that is
-- measured twice is the same to the last bit.
create or replace temp macro exact(x) as round((x) * 1024) / 1024;
create or replace temp macro exact_share(x) as round((x) * 1048576) / 1048576;
-- an unknown number kept within a bound stays unknown (least and greatest would tell the bound)
create or replace temp macro at_most(x, bound) as case when x > bound then bound else x end;
create or replace temp macro at_least(x, bound) as case when x < bound then bound else x end;
-- standard deviation and straight line from whole sums
create or replace temp macro spread(n, total, squares) as
    case when n > 1 then sqrt(greatest(0, (squares - total * total / n) / (n - 1))) end;
create or replace temp macro slope(n, t, tt, total, products) as (n * products - t * total) / nullif(n * tt - t * t, 0);
