// Reads GitHub's public events and writes them to Kafka, as ../../CONTRACT.md says.
package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Println(usage(os.Getenv))
}
