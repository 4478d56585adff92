package model

import (
	"slices"
	"time"
)

// Edit is a change of some of a broadcast's details: the named fields take
// their value from Details, all others stay.
type Edit struct {
	Fields  []Field
	Details Details
}

// Field names one of a broadcast's details, as in its column.
type Field string

// The fields of Details.
const (
	FieldTitle            Field = "title"
	FieldNotice           Field = "notice"
	FieldDescription      Field = "description"
	FieldProductID        Field = "product_id"
	FieldProductName      Field = "product_name"
	FieldProductPrice     Field = "product_price"
	FieldProductSale      Field = "product_sale"
	FieldProductBrand     Field = "product_brand"
	FieldProductThumbnail Field = "product_thumbnail"
	FieldProductList      Field = "product_list"
	FieldStartedAt        Field = "started_at"
)

// Has tells whether the edit sets the field.
func (e Edit) Has(f Field) bool { return slices.Contains(e.Fields, f) }

// Apply changes b by the edit at the time now. Once a broadcast is finished its
// scheduled time is history and stays. A new time arms a reservation anew, and
// brings a missed one back when it does not lie in the past.
func (e Edit) Apply(b *Broadcast, now time.Time) error {
	d := e.Details
	for field, set := range map[Field]func(){
		FieldTitle:            func() { b.Title = d.Title },
		FieldNotice:           func() { b.Notice = d.Notice },
		FieldDescription:      func() { b.Description = d.Description },
		FieldProductID:        func() { b.ProductID = d.ProductID },
		FieldProductName:      func() { b.ProductName = d.ProductName },
		FieldProductPrice:     func() { b.ProductPrice = d.ProductPrice },
		FieldProductSale:      func() { b.ProductSale = d.ProductSale },
		FieldProductBrand:     func() { b.ProductBrand = d.ProductBrand },
		FieldProductThumbnail: func() { b.ProductThumbnail = d.ProductThumbnail },
		FieldProductList:      func() { b.ProductList = d.ProductList },
	} {
		if e.Has(field) {
			set()
		}
	}
	if e.Has(FieldStartedAt) && !b.Status.Finished() {
		b.reschedule(d.StartedAt, now)
	}
	return b.Validate()
}

func (b *Broadcast) reschedule(at *time.Time, now time.Time) {
	b.StartedAt = at
	if b.Status.CanBecome(StatusReady) && (at == nil || !at.Before(now)) {
		b.Status = StatusReady
	}
	if b.Status == StatusReady {
		b.ArmedAt = now
	}
}
