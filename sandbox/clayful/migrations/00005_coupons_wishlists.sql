-- +goose Up
CREATE INDEX issued_coupon_by_customer ON sandbox_clayful.document ((body->>'customer'), (body->>'coupon'))
    WHERE model = 'issuedCoupons';

-- +goose Down
DROP INDEX sandbox_clayful.issued_coupon_by_customer;
