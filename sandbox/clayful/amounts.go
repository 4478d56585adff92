package clayful

import "encoding/json"

// All amounts are whole won: KRW has no smaller unit.

// amounts are a price before and after discounts, and what of the latter is
// tax.
type amounts struct {
	Original   int64 `json:"original"`
	Sale       int64 `json:"sale"`
	WithTax    int64 `json:"withTax"`
	WithoutTax int64 `json:"withoutTax"`
}

func (a *amounts) add(b amounts) {
	a.Original += b.Original
	a.Sale += b.Sale
	a.WithTax += b.WithTax
	a.WithoutTax += b.WithoutTax
}

// discount is one that was given on a line or a shipping fee. Coupon is nil for
// the product's own.
type discount struct {
	Coupon     *string `json:"coupon"`
	Type       string  `json:"type"`
	Value      float64 `json:"value"`
	Overridden any     `json:"overridden"`
	Discounted int64   `json:"discounted"`
	Before     int64   `json:"before"`
	After      int64   `json:"after"`
}

type tax struct {
	Name  string  `json:"name"`
	Rate  float64 `json:"rate"`
	Taxed int64   `json:"taxed"`
}

// keyedTax is a tax summed up under its country and name.
type keyedTax struct {
	Key   string `json:"key"`
	Taxed int64  `json:"taxed"`
}

// rate is what a tax category takes of the price it is included in.
type rate struct {
	name    string
	percent float64
}

// split takes the tax out of a price that includes it, down to the won.
func (r *rate) split(a *amounts) []tax {
	a.WithTax, a.WithoutTax = a.Sale, a.Sale
	if r == nil {
		return []tax{}
	}
	const exact = 1000 // rates have at most three decimals
	permille := int64(r.percent * exact)
	a.WithoutTax = a.WithTax * 100 * exact / (100*exact + permille)
	return []tax{{Name: r.name, Rate: r.percent, Taxed: a.WithTax - a.WithoutTax}}
}

// share is percent of an amount, down to the won.
func share(amount int64, percent float64) int64 {
	const exact = 1000
	return amount * int64(percent*exact) / (100 * exact)
}

// asDocument is a value as JSON sees it.
func asDocument(v any) document {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // our own types always encode
	}
	var d document
	if err := json.Unmarshal(text, &d); err != nil {
		panic(err)
	}
	return d
}
