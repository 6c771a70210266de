using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Quantization;
using ModelBuildTasks.Optimization.Quantization.Rounding;

namespace ModelBuildTasks.Optimization.Tests.Quantization.Rounding;

[TestClass]
public sealed class SoftRoundingTests
{
    private const int Outputs = 4, Inputs = 6, LargestCode = 7;

    [TestMethod]
    public void Starts_between_the_weights_and_their_codes_and_rounds_to_these_codes()
    {
        (float[] weights, QuantizedWeight start) = Layer();
        SoftRounding rounding = new(weights, start, LargestCode);
        float[] soft = new float[weights.Length];

        rounding.Soften(soft);

        for (int i = 0; i < weights.Length; i++)
        {
            float code = start.Codes.Span<sbyte>()[i] * start.Scales[i / Inputs], step = start.Scales[i / Inputs];
            Assert.IsTrue(soft[i] >= Math.Min(code, weights[i]) - 0.02f * step && soft[i] <= Math.Max(code, weights[i]) + 0.02f * step, $"{soft[i]} of {weights[i]} and {code}");
        }

        CollectionAssert.AreEqual(start.Codes.Span<sbyte>().ToArray(), rounding.Codes());
    }

    [TestMethod]
    [DataRow(0)]
    [DataRow(1)]
    public void The_gradient_is_what_small_changes_do(int strength)
    {
        const float Exponent = 3, Factor = 1.5f, Change = 1e-3f;
        (float[] weights, QuantizedWeight start) = Layer();
        SoftRounding rounding = new(weights, start, LargestCode);
        float[] byWeight = Weights.Uniform(new Random(3), [weights.Length]).ToSingles(), gradient = new float[weights.Length], soft = new float[weights.Length];
        rounding.Soften(soft);
        rounding.Gradient(byWeight, Factor, strength, Exponent, gradient);

        for (int i = 0; i < weights.Length; i++)
        {
            float at = rounding.Values[i];
            double slope = (Loss(at + Change) - Loss(at - Change)) / (2 * Change);
            rounding.Values[i] = at;
            Assert.AreEqual(slope, gradient[i], 2e-3, $"weight {i}");

            double Loss(float v)
            {
                rounding.Values[i] = v;
                rounding.Soften(soft);
                float step = start.Scales[i / Inputs];
                double share = (soft[i] / step) - Math.Floor(Math.Min(weights[i] / step, LargestCode - 1));
                return (Factor * byWeight[i] * (double)soft[i]) + (strength * (1 - Math.Pow(Math.Abs((2 * share) - 1), Exponent)));
            }
        }
    }

    [TestMethod]
    public void Weights_that_were_pruned_stay_zero_whatever_is_learned()
    {
        (float[] weights, QuantizedWeight _) = Layer();
        weights[0] = weights[9] = 0;
        SoftRounding rounding = new(weights, QuantizedWeight.From(Tensor.Create([Outputs, Inputs], weights), 0, bits: 4), LargestCode);
        float[] gradient = new float[weights.Length];
        rounding.Soften(new float[weights.Length]);

        rounding.Gradient([.. Enumerable.Repeat(1f, weights.Length)], factor: 1, strength: 1, exponent: 2, gradient);

        Assert.AreEqual((0f, 0f), (gradient[0], gradient[9]));
        Assert.AreEqual((0, 0), (rounding.Codes()[0], rounding.Codes()[9]));
    }

    [TestMethod]
    public void Codes_stay_within_their_bits_and_next_to_where_they_began()
    {
        (float[] weights, QuantizedWeight start) = Layer();
        sbyte[] moved = start.Codes.Span<sbyte>().ToArray();
        moved[0] = LargestCode;
        moved[1] = -LargestCode;
        SoftRounding rounding = new(weights, start with { Codes = Tensor.Create([Outputs, Inputs], moved) }, LargestCode);

        foreach (float v in new[] { -20f, 20f })
        {
            Array.Fill(rounding.Values, v);
            sbyte[] codes = rounding.Codes();
            Assert.IsTrue(codes.All(code => Math.Abs((int)code) <= LargestCode), string.Join(", ", codes));
            Assert.IsTrue(codes.Zip(moved).All(pair => Math.Abs(pair.First - pair.Second) <= 1), string.Join(", ", codes));
        }
    }

    [TestMethod]
    public void Scattered_weights_are_on_average_what_they_were()
    {
        const int Times = 4000;
        (float[] weights, QuantizedWeight start) = Layer();
        SoftRounding rounding = new(weights, start, LargestCode);
        float[] soft = new float[weights.Length], scattered = new float[weights.Length];
        double[] sums = new double[weights.Length];
        Random random = new(4);
        rounding.Soften(soft);

        for (int time = 0; time < Times; time++)
        {
            rounding.Scatter(scattered, random);
            for (int i = 0; i < sums.Length; i++)
            {
                sums[i] += scattered[i];
            }
        }

        for (int i = 0; i < sums.Length; i++)
        {
            Assert.AreEqual(soft[i], sums[i] / Times, 0.05 * start.Scales[i / Inputs]);
        }
    }

    private static (float[] Weights, QuantizedWeight Start) Layer()
    {
        float[] weights = Weights.Uniform(new Random(2), [Outputs * Inputs]).ToSingles();
        return (weights, QuantizedWeight.From(Tensor.Create([Outputs, Inputs], weights), 0, bits: 4));
    }
}
