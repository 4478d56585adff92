package clayful

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// transferred are the models a shop's data is moved by, what is referred to
// first.
var transferred = []string{
	"groups", "images", "brands", "vendors", "shippingMethods", "shippingPolicies", "taxCategories", "paymentMethods", "collections", "products",
	"catalogs", "coupons", "customers", "issuedCoupons", "wishlists",
	"reviews", "reviewComments",
}

// pictureKey is where an exported image keeps its file.
const pictureKey = "picture"

// picture is the file of an image.
type picture struct {
	Type string `json:"type"`
	Data []byte `json:"data"`
}

// credentialsKey is where an exported customer keeps the hash of their password.
const credentialsKey = "credentials"

// Export writes the shop's data as one JSON object: a list of raw documents for
// each model. Customers' passwords are in it as hashes.
func (s *Server) Export(ctx context.Context, w io.Writer) error {
	shop := map[string][]document{}
	for _, model := range transferred {
		rows, err := s.pool.Query(ctx, `SELECT body, secret, content_type, data FROM sandbox_clayful.document d
			LEFT JOIN sandbox_clayful.picture ON model = 'images' AND image = d.id WHERE model = $1 ORDER BY created_at, id`, model)
		if err != nil {
			return fmt.Errorf("read %s: %w", model, err)
		}
		list := []document{}
		var d document
		var secret map[string]string
		var contentType *string
		var data []byte
		_, err = pgx.ForEachRow(rows, []any{&d, &secret, &contentType, &data}, func() error {
			if contentType != nil {
				d[pictureKey] = picture{*contentType, data}
			}
			if len(secret) > 0 {
				d[credentialsKey] = secret
			}
			for _, key := range hidden { // derived anew by an import
				delete(d, key)
			}
			list = append(list, d)
			d, secret, data = nil, nil, nil
			return nil
		})
		if err != nil {
			return fmt.Errorf("read %s: %w", model, err)
		}
		shop[model] = list
	}
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", " ")
	if err := encoder.Encode(shop); err != nil {
		return fmt.Errorf("write shop: %w", err)
	}
	return nil
}

// Import takes documents over as Export writes them: those the shop has are
// replaced, by their _id, the others added. One that is not right is named, and
// nothing is taken over then.
func (s *Server) Import(ctx context.Context, r io.Reader) error {
	var shop map[string][]document
	if err := json.NewDecoder(r).Decode(&shop); err != nil {
		return fmt.Errorf("read shop: %w", err)
	}
	for model := range shop {
		if !slices.Contains(transferred, model) {
			return fmt.Errorf("there is no model %q to import", model)
		}
	}
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		for _, model := range transferred {
			for i, d := range shop[model] {
				if err := s.takeOver(ctx, tx, model, d); err != nil {
					return fmt.Errorf("%s, number %d (%s): %w", model, i+1, d.id(), err)
				}
			}
		}
		return nil
	})
}

func (s *Server) takeOver(ctx context.Context, tx pgx.Tx, model string, d document) error {
	if d.id() == "" {
		return invalid("_id")
	}
	secret := map[string]string{}
	if given, ok := d[credentialsKey].(map[string]any); ok {
		for name, value := range given {
			secret[name], _ = value.(string)
		}
	}
	delete(d, credentialsKey)
	if fields, known := shelves[model]; known {
		in := document{}
		for name, field := range fields {
			if value, given := d[name]; given {
				in[name] = value
			} else {
				d[name] = field.empty()
			}
		}
		if model == "products" { // exported with their ways, set by their leaves
			in["collections"] = leavesOf(d["collections"])
		}
		if err := s.set(ctx, tx, model, d, in); err != nil {
			return err
		}
	}
	if model == "customers" {
		userID, _ := d["userId"].(string)
		email, _ := d["email"].(string)
		if userID == "" && email == "" && secret[socialKey] == "" {
			return invalid("userId")
		}
		if err := related(ctx, tx, "groups", d["groups"]); err != nil {
			return err
		}
	}
	if given, ok := d[pictureKey]; ok && model == "images" {
		if err := takePicture(ctx, tx, d.id(), given); err != nil {
			return err
		}
		delete(d, pictureKey)
	}
	_, err := tx.Exec(ctx, `INSERT INTO sandbox_clayful.document (model, id, body, secret) VALUES ($1, $2, $3, $4)
		ON CONFLICT (model, id) DO UPDATE SET body = $3, secret = $4`, model, d.id(), d, secret)
	return duplicate(err)
}

func takePicture(ctx context.Context, tx pgx.Tx, image string, given any) error {
	text, err := json.Marshal(given)
	if err != nil {
		return err
	}
	var file picture
	if err := json.Unmarshal(text, &file); err != nil || !strings.HasPrefix(file.Type, "image/") {
		return invalid(pictureKey)
	}
	return keepPicture(ctx, tx, image, file.Type, file.Data)
}

// leavesOf are the collections a product is in, of the ways to them.
func leavesOf(ways any) []any {
	leaves := []any{}
	list, _ := ways.([]any)
	for _, way := range list {
		if id, isID := way.(string); isID {
			leaves = append(leaves, id)
			continue
		}
		object, _ := way.(map[string]any)
		if path, _ := object["path"].([]any); len(path) > 0 {
			leaves = append(leaves, path[len(path)-1])
		}
	}
	return leaves
}
