from __future__ import annotations

from datetime import timedelta

from psp_local.demo.traffic import MERCHANTS, a_day


class TestADay:
    def test_is_in_order_and_over_before_midnight(self) -> None:
        moments = [sale.at for sale in a_day(count=2_000, reference="r")]

        assert moments == sorted(moments)
        assert timedelta(0) <= moments[0]
        assert moments[-1] < timedelta(days=1)

    def test_has_more_sales_at_noon_than_at_night(self) -> None:
        hours = [sale.at // timedelta(hours=1) for sale in a_day(count=2_000, reference="r")]

        assert hours.count(12) > 10 * hours.count(3)

    def test_has_every_merchant_and_a_key_for_each_sale(self) -> None:
        sales = a_day(count=2_000, reference="r")

        assert {sale.merchant for sale in sales} == set(MERCHANTS)
        assert len({sale.key for sale in sales}) == len(sales)

    def test_splits_credit_only(self) -> None:
        sales = a_day(count=2_000, reference="r")

        split = {sale.body["payment_method"] for sale in sales if sale.installments > 1}
        assert split == {"credit_card"}

    def test_repeats_a_request_however_few_there_are(self) -> None:
        assert any(sale.sent_twice for sale in a_day(count=1, reference="r"))
