-- Words of the models: exact rounding, the MRR of a price, and days packed into one number.

-- n / d rounded half to even, exactly, for whole numbers (d > 0).
create or replace temp macro half_even_positive(n, d) as
    n // d + case when 2 * (n % d) > d or (2 * (n % d) = d and (n // d) % 2 = 1) then 1 else 0 end;
-- The same with one division, for n and d up to 2^61: rounded up from the half on, and back where a tie made it odd.
create or replace temp macro half_even_small(n, d) as
    (2 * (n) + d) // (2 * d) - case when (2 * (n) + d) % (2 * d) = 0 then ((2 * (n) + d) // (2 * d)) & 1 else 0 end;
create or replace temp macro half_even(n, d) as
    case
        when n < 0 then -half_even_positive(-n, d)
        else half_even_positive(n, d)
    end;

-- amount × part / whole, rounded half to even; in 64 bits where that is enough.
create or replace temp macro share(amount, part, whole) as
    case
        when abs(amount) < 1000000000 and abs(part) < 1000000000 then half_even(amount * part, whole)
        else half_even(amount::hugeint * part, whole::hugeint)::bigint
    end;

-- A billing interval in months: month_num ÷ month_den is what a billing amount is multiplied with (rule 9).
create or replace temp macro month_num(billing_interval) as
    case billing_interval when 'week' then getvariable('week_num') when 'day' then getvariable('day_num') else 1 end::bigint;
create or replace temp macro month_den(billing_interval, interval_count) as
    interval_count * case billing_interval
        when 'month' then 1 when 'year' then 12 when 'week' then getvariable('week_den') else getvariable('day_den') end::bigint;

-- The billing amount after discounts (three percentages in ppm, one sum of amounts), times 10^18, never below 0 (rule 8).
create or replace temp macro discounted(billing, ppm_1, ppm_2, ppm_3, off_minor) as
    greatest(
        0::hugeint,
        billing::hugeint * (1000000 - ppm_1) * (1000000 - ppm_2) * (1000000 - ppm_3)
        - off_minor::hugeint * 1000000000000000000::hugeint);
create or replace temp macro monthly_discounted(billing, ppm_1, ppm_2, ppm_3, off_minor, num, den, down) as
    case
        when down then (discounted(billing, ppm_1, ppm_2, ppm_3, off_minor) * num) // (1000000000000000000::hugeint * den)
        else half_even_positive(discounted(billing, ppm_1, ppm_2, ppm_3, off_minor) * num, 1000000000000000000::hugeint * den)
    end::bigint;
-- MRR of a billing amount. Without discount the numbers are small and stay in 64 bits.
create or replace temp macro monthly(billing, ppm_1, ppm_2, ppm_3, off_minor, num, den, down) as
    case
        -- one percentage of a common amount fits as well
        when ppm_1 + off_minor <> 0 and ppm_2 + ppm_3 = 0 and not down and num <= 400
            and billing between 0 and 10000000000 and off_minor between 0 and 10000000000
            then half_even_positive(greatest(0, billing * (1000000 - ppm_1) - off_minor * 1000000) * num, 1000000 * den)
        when ppm_1 + ppm_2 + ppm_3 + off_minor <> 0 or billing < 0
            then monthly_discounted(billing, ppm_1, ppm_2, ppm_3, off_minor, num, den, down)
        when num = den then billing
        when down then (billing * num) // den
        else half_even_positive(billing * num, den)
    end;

-- A day as month × 32 + day of month, counted from January 1970: it sorts like the date, and its month is a shift away.
create or replace temp macro day_code(d) as (((year(d) - 1970) * 12 + month(d) - 1) * 32 + day(d))::integer;
create or replace temp macro day_code_month(code) as (code // 32)::integer;
create or replace temp macro month_start(month_no) as make_date((1970 + month_no // 12)::bigint, (1 + month_no % 12)::bigint, 1::bigint);
-- later than every day: what is agreed for after the as-of day, and open ends
create or replace temp macro never() as date '9999-12-31';
create or replace temp macro never_code() as 65535;
-- A day kept within an interval; nothing stays at its beginning.
create or replace temp macro clamped(d, low, high) as least(greatest(coalesce(d, low), low), high)::date;
-- The MRR of a state that keeps one value from beginning to end (rule 11).
create or replace temp macro plain_minor(status, full_minor) as
    case when status = 'active' or (status = 'unpaid' and getvariable('unpaid_counts')) then full_minor else 0 end;
-- The kind of a movement (rule 20). fall_month: the month in which the entity last went from above 0 to 0.
create or replace temp macro movement_kind(mrr_before, mrr, held_before, held, has_been, is_there, fall_month, month_no, transfer, organic, lapses) as
    case
        when transfer <> 0 and transfer > 0 and mrr = 0 then 'churn'
        when transfer <> 0 and organic > 0 then 'expansion'
        when transfer <> 0 then 'contraction'
        when mrr_before = 0 and mrr > 0 and not has_been then 'new'
        when mrr_before = 0 and mrr > 0 and is_there and held_before > 0 then 'expansion'
        when mrr_before = 0 and mrr > 0
            and date_diff('day', month_start(fall_month), month_start(month_no)) > getvariable('new_after_days') then 'new'
        when mrr_before = 0 and mrr > 0 then 'reactivation'
        when mrr_before > 0 and mrr = 0 and held > 0 then 'contraction'
        when mrr = 0 then 'churn'
        when organic > 0 then 'expansion'
        else 'contraction'
    end;
