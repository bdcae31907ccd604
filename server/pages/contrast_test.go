package pages_test

import (
	"math"
	"os"
	"regexp"
	"strconv"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// WCAG 2.2 §1.4.3 (text: 4.5) and §1.4.11 (what one has to see to use it: 3), in
// both colour schemes.
var _ = Describe("The colours", func() {
	pairs := []struct {
		front, back string
		ratio       float64
	}{
		{"ink", "sheet", 4.5},
		{"ink", "wash", 4.5},
		{"ink", "edge", 4.5},
		{"soft", "sheet", 4.5},
		{"soft", "wash", 4.5},
		{"accent", "wash", 4.5},
		{"accent-strong", "wash", 4.5}, // links
		{"on-accent", "accent", 4.5},
		{"on-accent", "accent-strong", 4.5},
		{"alert", "alert-wash", 4.5},
		{"field", "sheet", 3},
		{"accent", "sheet", 3},
		{"alert", "sheet", 3}, // borders, focus
	}
	It("can be read by light and by dark", func() {
		raw, err := os.ReadFile("assets/style.css")
		Expect(err).NotTo(HaveOccurred())
		roots := regexp.MustCompile(`(?s):root \{.*?\}`).FindAllString(string(raw), 2)
		Expect(roots).To(HaveLen(2))
		for _, root := range roots {
			colours := map[string]float64{}
			for _, m := range regexp.MustCompile(`--([a-z-]+): #([0-9a-f]{6});`).FindAllStringSubmatch(root, -1) {
				colours[m[1]] = luminance(m[2])
			}
			for _, p := range pairs {
				Expect(colours).To(HaveKey(p.front))
				Expect(colours).To(HaveKey(p.back))
				light, dark := max(colours[p.front], colours[p.back]), min(colours[p.front], colours[p.back])
				Expect((light+.05)/(dark+.05)).To(BeNumerically(">=", p.ratio), "%s on %s in %.20s", p.front, p.back, strings.TrimSpace(root))
			}
		}
	})
})

// luminance is WCAG's relative luminance.
func luminance(hex string) float64 {
	var sum float64
	for i, weight := range []float64{.2126, .7152, .0722} {
		n, err := strconv.ParseUint(hex[2*i:2*i+2], 16, 8)
		Expect(err).NotTo(HaveOccurred())
		c := float64(n) / 255
		if c <= .04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+.055)/1.055, 2.4)
		}
		sum += weight * c
	}
	return sum
}
