package clayful

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
)

// Webhook is one that the shop's operator set up.
type Webhook struct {
	ID, URL, Secret string
	Modules         []string // as order.acceptRefund; all when empty
}

// Sign proves a webhook of this shop. Only its head is signed.
func (c Config) Sign(header http.Header, body []byte, _ time.Time) {
	var head struct {
		Webhook     string `json:"webhook"`
		Module      string `json:"module"`
		RequestedAt string `json:"requestedAt"`
	}
	_ = json.Unmarshal(body, &head) // our own
	i := slices.IndexFunc(c.Webhooks, func(w Webhook) bool { return w.ID == head.Webhook })
	if i < 0 {
		return
	}
	mac := hmac.New(sha256.New, []byte(c.Webhooks[i].Secret))
	mac.Write([]byte(head.Webhook + ":" + head.Module + ":" + head.RequestedAt))
	header.Set("Clayful-Signature", hex.EncodeToString(mac.Sum(nil)))
}

// notify tells the webhooks that want to know of the module, once the
// transaction is committed.
func (s *Server) notify(ctx context.Context, tx pgx.Tx, module string, params map[string]any, response any) error {
	for _, w := range s.config.Webhooks {
		if len(w.Modules) > 0 && !slices.Contains(w.Modules, module) {
			continue
		}
		body, err := json.Marshal(map[string]any{
			"webhook": w.ID, "module": module, "requestedAt": stamp(time.Now()), "params": params, "response": response,
		})
		if err != nil {
			return fmt.Errorf("encode webhook: %w", err)
		}
		if err := s.config.Sender.Enqueue(ctx, tx, w.URL, body); err != nil {
			return err
		}
	}
	return nil
}
