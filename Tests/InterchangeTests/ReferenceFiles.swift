// Made by Tests/Scripts/differential-fixtures.py with safetensors 0.8.0.

/// Files of the reference writer, as base64.
enum ReferenceFiles {
  static let numpyFile =
    "QAEAAAAAAAB7ImVtcHR5Ijp7ImR0eXBlIjoiRjMyIiwic2hhcGUiOlswLDNdLCJkYXRhX29mZnNldHMiOlswLDBdfSwiZm91ciI6"
    + "eyJkdHlwZSI6IkYzMiIsInNoYXBlIjpbMSwyLDEsMl0sImRhdGFfb2Zmc2V0cyI6WzAsMTZdfSwic2NhbGFyIjp7ImR0eXBlIjoi"
    + "RjMyIiwic2hhcGUiOltdLCJkYXRhX29mZnNldHMiOlsxNiwyMF19LCJ3ZWlnaHQiOnsiZHR5cGUiOiJGMzIiLCJzaGFwZSI6WzIs"
    + "M10sImRhdGFfb2Zmc2V0cyI6WzIwLDQ0XX0sIsO8bsOvIFwicXVvdGVkXCIiOnsiZHR5cGUiOiJGMzIiLCJzaGFwZSI6WzJdLCJk"
    + "YXRhX29mZnNldHMiOls0NCw1Ml19fSAgICAgIAAAAAAAAIA/AAAAQAAAQEAAACBAAACAvwAAQL8AAAC/AACAvgAAAAAAAIA+AAAA"
    + "AAAAgD8="
  static let torchFile =
    "yAAAAAAAAAB7Il9fbWV0YWRhdGFfXyI6eyJmb3JtYXQiOiJwdCIsIm5vdGUiOiJsaW5lXG5icmVhayJ9LCJsc3RtLmJpYXNfaWhf"
    + "bDAiOnsiZHR5cGUiOiJGMzIiLCJzaGFwZSI6WzRdLCJkYXRhX29mZnNldHMiOlswLDE2XX0sImxzdG0ud2VpZ2h0X2loX2wwIjp7"
    + "ImR0eXBlIjoiRjMyIiwic2hhcGUiOls0LDJdLCJkYXRhX29mZnNldHMiOlsxNiw0OF19fSAgICAgIAAAAL8AAAC/AAAAvwAAAL8A"
    + "AAAAAACAPwAAAEAAAEBAAACAQAAAoEAAAMBAAADgQA=="
  static let noTensors =
    "CAAAAAAAAAB7fSAgICAgIA=="
  static let halfFile =
    "QAAAAAAAAAB7IndlaWdodCI6eyJkdHlwZSI6IkYxNiIsInNoYXBlIjpbMiwyXSwiZGF0YV9vZmZzZXRzIjpbMCw4XX19ICAgADwA"
    + "PAA8ADw="
}
