package clayful

// taxedFormats are the fields of amounts below a path.
func taxedFormats(formats map[string]kind, path string) {
	for _, field := range []string{"original", "sale", "withTax", "withoutTax"} {
		formats[path+"."+field] = asPrice
	}
}

// lineFormats are the fields of a line below a path.
func lineFormats(formats map[string]kind, path string) {
	taxedFormats(formats, path+".price")
	taxedFormats(formats, path+".total.price")
	for field, kind := range map[string]kind{
		"product": asProduct, "variant": asVariant, "shippingMethod": asReference, "brand": asReference, "vendor": asReference,
		"quantity": asNumber, "unfulfilled": asNumber, "addedAt": asTime, "discounted": asPrice, "taxed": asPrice,
		"total.discounted": asPrice, "total.taxed": asPrice, "collections[].path[]": asReference,
		"discounts[].coupon": asCoupon, "discounts[].value": asNumber, "discounts[].discounted": asPrice,
		"discounts[].before": asPrice, "discounts[].after": asPrice, "taxes[].rate": asNumber, "taxes[].taxed": asPrice,
	} {
		formats[path+"."+field] = kind
	}
}

// totalFormats are the fields of the totals below a path.
func totalFormats(formats map[string]kind, path string) {
	taxedFormats(formats, path+".price")
	taxedFormats(formats, path+".items.price")
	taxedFormats(formats, path+".shipping.fee")
	for _, field := range []string{
		"discounted", "taxed", "amount", "paid", "cancelled", "refunded", "items.discounted", "items.taxed",
		"shipping.discounted", "shipping.taxed", "taxes[].taxed",
	} {
		formats[path+"."+field] = asPrice
	}
}

func shipmentFormats(formats map[string]kind, path string) {
	taxedFormats(formats, path+".fee")
	for field, kind := range map[string]kind{
		"vendor": asReference, "shippingPolicy": asPolicy, "quantity": asNumber, "rule.free.priceOver": asPrice,
		"rule.criteria.price": asPrice, "rule.criteria.weight": asNumber, "rule.weightOver": asNumber, "rule.fee": asPrice,
		"discounts[].coupon": asCoupon, "discounts[].value": asNumber, "discounts[].discounted": asPrice,
		"discounts[].before": asPrice, "discounts[].after": asPrice, "discounted": asPrice, "taxed": asPrice,
		"taxes[].rate": asNumber, "taxes[].taxed": asPrice,
	} {
		formats[path+"."+field] = kind
	}
}

func cartFormats() map[string]kind {
	formats := map[string]kind{
		"currency.rate": asNumber, "tax.country": asCountry, "language": asLanguage,
		"address.shipping.country": asCountry, "address.billing.country": asCountry,
	}
	lineFormats(formats, "items[]")
	lineFormats(formats, "items[].bundleItems[]")
	shipmentFormats(formats, "shipments[]")
	totalFormats(formats, "total")
	return formats
}

func orderFormats() map[string]kind {
	formats := map[string]kind{
		"createdAt": asTime, "updatedAt": asTime, "paidAt": asTime, "receivedAt": asTime, "syncTriedAt": asTime,
		"cancellation.cancelledAt": asTime, "language": asLanguage, "tax.country": asCountry, "currency.rate": asNumber,
		"address.shipping.country": asCountry, "address.billing.country": asCountry,
		"fulfillments[].createdAt": asTime, "fulfillments[].updatedAt": asTime, "fulfillments[].items[].quantity": asNumber,
		"transactions[].paymentMethod": asReference, "transactions[].paid": asPrice, "transactions[].cancelled": asPrice,
		"transactions[].refunded": asPrice, "transactions[].createdAt": asTime, "transactions[].updatedAt": asTime,
		"transactions[].vbanks[].amount": asPrice, "transactions[].vbanks[].expiresAt": asTime, "customer.groups[]": asReference, "reviews[]": asReview,
	}
	lineFormats(formats, "items[]")
	lineFormats(formats, "items[].bundleItems[]")
	shipmentFormats(formats, "shipments[]")
	totalFormats(formats, "total")
	totalFormats(formats, "total.vendors[]")
	formats["total.vendors[].vendor"] = asReference
	for field, kind := range refundFormats("refunds[].") {
		formats[field] = kind
	}
	return formats
}

func refundFormats(path string) map[string]kind {
	formats := map[string]kind{}
	for field, kind := range map[string]kind{
		"createdAt": asTime, "updatedAt": asTime, "cancellation.cancelledAt": asTime,
		"items[].quantity": asNumber, "items[].price.withTax": asPrice, "items[].price.withoutTax": asPrice, "items[].taxed": asPrice,
		"items[].taxes[].rate": asNumber, "items[].taxes[].taxed": asPrice, "items[].restocked": asNumber,
		"shipments[].fee.withTax": asPrice, "shipments[].fee.withoutTax": asPrice, "shipments[].taxed": asPrice,
		"shipments[].taxes[].rate": asNumber, "shipments[].taxes[].taxed": asPrice, "shipments[].shipment": asReference,
		"total.price.withTax": asPrice, "total.price.withoutTax": asPrice, "total.items.price.withTax": asPrice,
		"total.items.price.withoutTax": asPrice, "total.items.taxed": asPrice, "total.shipping.fee.withTax": asPrice,
		"total.shipping.fee.withoutTax": asPrice, "total.shipping.taxed": asPrice, "total.taxed": asPrice, "total.taxes[].taxed": asPrice,
	} {
		formats[path+field] = kind
	}
	return formats
}
