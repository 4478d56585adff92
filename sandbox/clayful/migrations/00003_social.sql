-- +goose Up
-- A customer who logs in with a vendor is known by the vendor's id of them.
CREATE UNIQUE INDEX customer_social ON sandbox_clayful.document ((secret->>'social'))
    WHERE model = 'customers' AND secret->>'social' IS NOT NULL;

-- +goose Down
DROP INDEX sandbox_clayful.customer_social;
