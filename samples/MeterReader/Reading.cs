namespace MeterReader;

/// <summary>What a meter shows.</summary>
/// <param name="Digits">The digits from left to right.</param>
/// <param name="Confidence">Probability that the model gives to its least certain digit.</param>
internal sealed record Reading(string Digits, double Confidence)
{
    private const int Classes = 10;

    /// <param name="scores">[digits, 10], the model's scores (logits).</param>
    public static Reading From(ReadOnlySpan<float> scores)
    {
        Span<char> digits = stackalloc char[scores.Length / Classes];
        double confidence = 1;
        for (int i = 0; i < digits.Length; i++)
        {
            ReadOnlySpan<float> row = scores.Slice(i * Classes, Classes);
            int best = 0;
            for (int digit = 1; digit < Classes; digit++)
            {
                best = row[digit] > row[best] ? digit : best;
            }

            double sum = 0;
            foreach (float score in row)
            {
                sum += Math.Exp(score - row[best]);
            }

            digits[i] = (char)('0' + best);
            confidence = Math.Min(confidence, 1 / sum);
        }

        return new Reading(new string(digits), confidence);
    }
}
