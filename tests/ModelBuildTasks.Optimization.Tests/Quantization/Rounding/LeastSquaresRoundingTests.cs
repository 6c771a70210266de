using ModelBuildTasks.Optimization.Quantization.Rounding;

namespace ModelBuildTasks.Optimization.Tests.Quantization.Rounding;

[TestClass]
public sealed class LeastSquaresRoundingTests
{
    private const int Inputs = 4;
    private const int Rows = 200;
    private const float Scale = 0.25f;
    private const int LargestCode = 8;

    [TestMethod]
    public void Comes_near_to_the_best_of_all_codes_and_is_better_than_the_nearest()
    {
        double found = 0, best = 0, nearest = 0;
        for (int seed = 0; seed < 20; seed++)
        {
            Case layer = new(seed);
            sbyte[] codes = new sbyte[Inputs];
            float bias = layer.Rounding.Round(0.5f, layer.Weights, Scale, LargestCode, codes);
            found += layer.Error(codes, bias);
            best += layer.Candidates().Min(candidate => layer.Error(candidate, layer.BestBias(candidate)));
            sbyte[] rounded = [.. layer.Weights.Select(weight => (sbyte)MathF.Round(weight / Scale))];
            nearest += layer.Error(rounded, layer.BestBias(rounded));
        }

        Assert.IsLessThan(1.3 * best, found);
        Assert.IsLessThan(0.8 * nearest, found);
    }

    [TestMethod]
    public void The_bias_takes_out_the_mean_error()
    {
        Case layer = new(1);
        sbyte[] codes = new sbyte[Inputs];

        float bias = layer.Rounding.Round(0.5f, layer.Weights, Scale, LargestCode, codes);

        Assert.AreEqual(layer.BestBias(codes), bias, 1e-3f);
    }

    [TestMethod]
    public void Codes_stay_within_their_bits()
    {
        Case layer = new(2);
        sbyte[] codes = new sbyte[Inputs];

        layer.Rounding.Round(0, [9, -9, 9, -9], Scale, LargestCode, codes);

        Assert.IsTrue(codes.All(code => Math.Abs((int)code) <= LargestCode), string.Join(", ", codes));
    }

    [TestMethod]
    public void Weights_that_were_pruned_stay_zero()
    {
        for (int seed = 0; seed < 20; seed++)
        {
            Case layer = new(seed);
            layer.Weights[0] = layer.Weights[2] = 0;
            sbyte[] codes = new sbyte[Inputs];

            layer.Rounding.Round(0, layer.Weights, Scale, LargestCode, codes);

            Assert.AreEqual((0, 0), (codes[0], codes[2]), $"seed {seed}");
        }
    }

    /// <summary>Correlated inputs that are not zero on average, and the weights of one output.</summary>
    private sealed class Case
    {
        internal Case(int seed)
        {
            Random random = new(seed);
            X = [.. Enumerable.Range(0, Rows).Select(_ =>
            {
                float common = random.NextSingle();
                return Enumerable.Range(0, Inputs).Select(_ => common + 0.4f * random.NextSingle()).ToArray();
            })];
            Weights = [.. Enumerable.Range(0, Inputs).Select(_ => random.NextSingle() * 2 - 1)];
            LayerMoments moments = new(Inputs);
            float[] rows = [.. X.SelectMany(x => (float[])[1, .. x])];
            moments.Add(rows, CancellationToken.None);
            Rounding = new LeastSquaresRounding(moments.Factor(CancellationToken.None)!, 1 + Inputs);
        }

        internal float[][] X { get; }

        internal float[] Weights { get; }

        internal LeastSquaresRounding Rounding { get; }

        internal double Error(sbyte[] codes, float bias) => X.Sum(x => Math.Pow(0.5 + Product(x, Weights) - bias - Product(x, Dequantized(codes)), 2));

        internal float BestBias(sbyte[] codes) => 0.5f + X.Average(x => Product(x, Weights) - Product(x, Dequantized(codes)));

        internal IEnumerable<sbyte[]> Candidates()
        {
            int side = 2 * LargestCode + 1;
            return Enumerable.Range(0, side * side * side * side)
                .Select(index => Enumerable.Range(0, Inputs).Select(k => (sbyte)(index / (int)Math.Pow(side, k) % side - LargestCode)).ToArray())
                .Where(codes => codes.Zip(Weights).All(pair => Math.Abs(pair.First * Scale - pair.Second) <= 2 * Scale));
        }

        private static float[] Dequantized(sbyte[] codes) => [.. codes.Select(code => code * Scale)];

        private static float Product(float[] x, float[] weights) => x.Zip(weights, (a, b) => a * b).Sum();
    }
}
