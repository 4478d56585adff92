-- +goose Up
CREATE INDEX customer_first_name ON sandbox_clayful.document (lower(body #>> '{name,first}')) WHERE model = 'customers';
CREATE INDEX document_by_customer ON sandbox_clayful.document (model, (body->>'customer')) WHERE model IN ('wishlists', 'issuedCoupons');

-- +goose Down
DROP INDEX sandbox_clayful.document_by_customer, sandbox_clayful.customer_first_name;
