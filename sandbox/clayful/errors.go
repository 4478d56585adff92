package clayful

import (
	"fmt"
	"net/http"
	"strings"
)

// apiError is an answer in Clayful's error envelope.
type apiError struct {
	status int
	code   string
	source string // the field a validation failed on
}

// Error implements error.
func (e *apiError) Error() string { return fmt.Sprintf("%d %s %s", e.status, e.code, e.source) }

var errUnauthorized = &apiError{status: http.StatusUnauthorized, code: "unauthorized"}

func badRequest(code string) error { return &apiError{status: http.StatusBadRequest, code: code} }

func invalid(source string) error {
	return &apiError{status: http.StatusBadRequest, code: "validation", source: "payload." + source}
}

func notExisting(model string) error {
	return &apiError{status: http.StatusNotFound, code: "not-existing-" + kebab(singular(model))}
}

var messages = map[string][2]string{ // ko, en
	"unauthorized":          {"인증이 필요합니다.", "Authentication is required."},
	"forbidden":             {"권한이 없습니다.", "Not permitted."},
	"validation":            {"입력 값이 올바르지 않습니다.", "The input is not valid."},
	"duplicated-email":      {"이미 사용 중인 이메일입니다.", "The email is already in use."},
	"duplicated-user-id":    {"이미 사용 중인 아이디입니다.", "The user id is already in use."},
	"invalid-password":      {"비밀번호가 올바르지 않습니다.", "The password is not right."},
	"not-existing-customer": {"존재하지 않는 고객입니다.", "The customer does not exist."},
	"email-required":        {"이메일이 없는 고객입니다.", "The customer has no email."},
	"invalid-token":         {"유효하지 않은 소셜 로그인 토큰입니다.", "The token of the social login is not valid."},
	"vendor-unavailable":    {"소셜 로그인 서비스가 응답하지 않습니다.", "The social login does not answer."},
	"social-customer":       {"소셜 계정으로 가입한 고객입니다.", "The customer logs in with a social account."},
	"not-existing-image":    {"존재하지 않는 이미지입니다.", "The image does not exist."},
	"not-existing-review":   {"존재하지 않는 리뷰입니다.", "The review does not exist."},
	"invalid-model-image":   {"다른 용도의 이미지입니다.", "The image was made for another model."},
	"invalid-field-image":   {"다른 용도의 이미지입니다.", "The image was made for another field."},
	"not-purchased-product": {"구매하지 않은 상품입니다.", "The product was not purchased."},
	"invalid-secret":        {"유효하지 않은 링크입니다.", "The secret is not valid."},
	"duplicated-coupon":     {"이미 가지고 있는 쿠폰입니다.", "The customer has the coupon already."},
	"duplicated-slug":       {"이미 사용 중인 슬러그입니다.", "The slug is already in use."},

	"postcode-required":      {"우편번호가 필요합니다.", "A postcode is required."},
	"invalid-postcode":       {"우편번호 형식이 올바르지 않습니다.", "The postcode has the wrong form."},
	"not-supported-language": {"지원하지 않는 언어입니다.", "The store does not have the language."},
	"items-exceeded":         {"장바구니에는 50개까지 담을 수 있습니다.", "A cart holds 50 items at most."},
	"empty-cart":             {"주문할 상품이 없습니다.", "There is nothing to order."},
	"exceeded-item-quantity": {"재고가 부족합니다.", "There are not that many in stock."},

	"payment-method-not-required": {"결제 방식이 필요하지 않습니다.", "No payment method is needed."},
	"payment-gateway-error":       {"결제 서비스가 응답하지 않습니다.", "The payment service does not answer."},
	"not-supported-checkout-type": {"지원하지 않는 주문 방식입니다.", "The type of checkout is not supported."},

	"cart-coupon-category":    {"이 장바구니에 쓸 수 없는 쿠폰입니다.", "The coupon is not for this cart."},
	"cart-coupon-price":       {"쿠폰을 쓸 수 있는 주문 금액이 아닙니다.", "The coupon is not for this amount."},
	"product-coupon-category": {"이 상품에 쓸 수 없는 쿠폰입니다.", "The coupon is not for this product."},
	"product-coupon-price":    {"쿠폰을 쓸 수 있는 상품 금액이 아닙니다.", "The coupon is not for this price."},
	"product-coupon-only":     {"할인된 상품에는 쓸 수 없는 쿠폰입니다.", "The coupon is not for discounted products."},
	"product-coupon-quantity": {"상품 쿠폰은 한 개만 주문할 때 쓸 수 있습니다.", "A product coupon is for a quantity of one."},
	"shipping-coupon-price":   {"쿠폰을 쓸 수 있는 배송비가 아닙니다.", "The coupon is not for this fee."},
	"subscription-coupon":     {"정기 주문에만 쓸 수 있는 쿠폰입니다.", "The coupon is for subscriptions."},
	"invalid-coupon-type":     {"쿠폰의 종류가 맞지 않습니다.", "The coupon is of another type."},
	"exhausted-coupon":        {"모두 소진된 쿠폰입니다.", "No coupon is left."},
	"expired-coupon":          {"기간이 지난 쿠폰입니다.", "The coupon has expired."},

	"invalid-order-status":     {"지금 상태의 주문에는 할 수 없습니다.", "The order's status does not allow it."},
	"invalid-refund-status":    {"지금 상태의 환불에는 할 수 없습니다.", "The refund's status does not allow it."},
	"exceeded-refund-quantity": {"환불할 수 있는 수량을 넘었습니다.", "More is asked back than is left."},
	"refunded-shipment":        {"이미 환불된 배송비입니다.", "The fee was refunded already."},
	"received-order":           {"이미 수령 완료된 주문입니다.", "The order was received already."},
	"not-received-order":       {"수령 처리되지 않은 주문입니다.", "The order was not received."},

	"mismatching-vendor-order-resources": {"여러 입점사의 주문 요소가 포함되었습니다.", "The order's parts are of several vendors."},
}

// wordsFor are a code's words in Korean and English.
func wordsFor(code string) [2]string {
	if words, ok := messages[code]; ok {
		return words
	}
	model, missing := strings.CutPrefix(code, "not-existing-")
	if !missing {
		return [2]string{code, code}
	}
	model = strings.ReplaceAll(strings.TrimSuffix(model, "-relation"), "-", " ")
	return [2]string{"존재하지 않습니다: " + model, "It does not exist: " + model}
}

func refuse(w http.ResponseWriter, r *http.Request, err *apiError) {
	body := map[string]any{"statusCode": err.status, "error": http.StatusText(err.status)}
	body["message"] = http.StatusText(err.status)
	if err.code != "" {
		words := wordsFor(err.code)
		body["errorCode"], body["message"] = err.code, words[0]
		if strings.HasPrefix(r.Header.Get("Accept-Debug-Language"), "en") {
			body["message"] = words[1]
		}
	}
	if err.source != "" {
		body["validation"] = map[string]string{"source": err.source}
	}
	answer(w, err.status, body)
}
