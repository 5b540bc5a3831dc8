from __future__ import annotations

import pytest

from psp_core.domain.intake.card_brands import brand_of

BRANDS = {
    "visa": "401100 401177 401180 431200 438900 451400 457600 411111 499999",
    "mastercard": "510000 559999 222100 272099",
    "amex": "340000 370000 378282",
    "diners": "300000 305999 360000 380000 390000",
    "jcb": "352800 358999 213100 180000",
    "discover": "601100 644000 649999 650000 650034 650099 655059 659999",
    "unionpay": "620000 622126 627700 810000 817100",
    "elo": "401178 401179 431274 438935 451416 457393 457631 457632 504175 506699 506778 509000 509999 627780 636297"
    " 636368 650031 650035 650405 650485 650541 650700 650720 650901 651652 655000 655021 655058",
    "hipercard": "606282 384100 384140 384160 637095 637568 637599 637609 637612",
    "maestro": "500000 506698 506779 560000 580000 630400 670000 600000",
    "unknown": "000000 100000 220000 700000 900000",
}


class TestBrandOf:
    @pytest.mark.parametrize(
        ("beginning", "brand"), [(each, brand) for brand, beginnings in BRANDS.items() for each in beginnings.split()]
    )
    def test_goes_by_the_issuer_range(self, beginning: str, brand: str) -> None:
        assert brand_of(beginning.ljust(16, "0")) == brand
