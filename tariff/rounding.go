package tariff

import (
	"github.com/forecourt-ev/forecourt/foundation/money"
	"github.com/forecourt-ev/forecourt/foundation/unit"
)

func decimal(n Number) unit.Decimal { return unit.Decimal(n) }

// smallest is the currency's smallest unit.
func smallest(c money.Currency) money.Micro {
	v := money.Micro(1_000_000)
	for range c.Digits() {
		v /= 10
	}
	return v
}

// cash is to what sums paid in coins are rounded, in millionths: where coins
// below that are not in use. A currency of several countries is rounded in
// some of them only.
//
// Sources: the central banks' pages on cash rounding (CHF, SEK, NOK, DKK, CZK,
// HUF, AUD, NZD, CAD, ILS); for the euro the national rounding laws.
var cash = map[money.Currency]map[string]money.Micro{
	"CHF": {"CH": 50_000, "LI": 50_000},
	"SEK": {"SE": 1_000_000},
	"NOK": {"NO": 1_000_000},
	"DKK": {"DK": 500_000},
	"CZK": {"CZ": 1_000_000},
	"HUF": {"HU": 5_000_000},
	"AUD": {"AU": 50_000},
	"NZD": {"NZ": 100_000},
	"CAD": {"CA": 50_000},
	"ILS": {"IL": 100_000},
	"EUR": {"NL": 50_000, "FI": 50_000, "BE": 50_000, "IE": 50_000, "IT": 50_000, "SK": 50_000, "EE": 50_000, "LT": 50_000},
}

// CashIncrement gives to what multiple sums in a currency are rounded when
// they are paid in cash in a country (ISO 3166-1 alpha-2); 0: to the coin.
func CashIncrement(c money.Currency, country string) money.Micro { return cash[c][country] }
