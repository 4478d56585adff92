package bench

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// BenchmarkResetMailTellsNothing asks for a mail to set a new password, for
// members and for nobody in turn: the answers take the same time, within what
// the same question takes longer or shorter another time.
func BenchmarkResetMailTellsNothing(b *testing.B) {
	const rounds = 400
	for _, limit := range []string{"LIMIT_RESET_MAIL_PER_HOUR", "LIMIT_RESET_MAIL_PER_ADDRESS"} {
		b.Setenv(limit, "100000")
	}
	h := start(b)
	pairs := map[string]func(int) (userID, email string){
		"member": func(int) (string, string) { return "demo", "demo@byeolshow.example" },
		"nobody": func(n int) (string, string) {
			name := fmt.Sprintf("nobody%d", n)
			return name, name + "@byeolshow.example"
		},
	}
	took := map[string][]float64{}
	for n := range rounds {
		for kind, pair := range pairs { // in any order
			userID, email := pair(n)
			began := time.Now()
			require.NoError(b, ask("POST", h.api+"/forgetuser/get_certificate/", "", map[string]string{"userId": userID, "email": email}, &map[string]any{}))
			took[kind] = append(took[kind], float64(time.Since(began).Microseconds())/1000)
		}
	}
	median := func(values []float64) float64 {
		sorted := slices.Sorted(slices.Values(values))
		return sorted[len(sorted)/2]
	}
	member, nobody := median(took["member"]), median(took["nobody"])
	noise := math.Abs(median(took["member"][:rounds/2]) - median(took["member"][rounds/2:]))
	b.ReportMetric(member, "ms-member-p50")
	b.ReportMetric(nobody, "ms-nobody-p50")
	b.ReportMetric(math.Abs(member-nobody), "ms-difference")
	b.ReportMetric(noise, "ms-noise")
	b.ReportMetric(0, "ns/op")
}
