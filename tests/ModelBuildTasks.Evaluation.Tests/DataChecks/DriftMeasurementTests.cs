using ModelBuildTasks.Evaluation.DataChecks;
using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Evaluation.Tests.DataChecks;

[TestClass]
public sealed class DriftMeasurementTests
{
    [TestMethod]
    public void The_index_is_that_of_its_definition()
    {
        TensorSignature input = DrawnDataset.Input("N", 2);
        InputDistribution then = new() { Input = "x", Channel = 1, Samples = 1000, Mean = 0, Deviation = 0, Lowest = 0, Highest = 2, Edges = [0, 1, 2], Shares = [0, 0.5, 0.5, 0] };
        DriftMeasurement measurement = new([input], [then]);
        // 0.7 of the numbers lie up to 1, 0.3 up to 2.
        foreach (int i in Enumerable.Range(0, 1000))
        {
            measurement.Add(DrawnDataset.Row(-99, i < 700 ? 1 : 1.5f));
        }

        InputDrift drift = measurement.Measure().Single();

        Assert.AreEqual((0.7 - 0.5) * Math.Log(0.7 / 0.5) + (0.3 - 0.5) * Math.Log(0.3 / 0.5), drift.StabilityIndex, 1e-9);
        // Two bins are held, each sample has one number: 1 · (1/1000 + 1/1000).
        Assert.AreEqual(0.002, drift.Expected, 1e-5);
        Assert.AreEqual(1.15, drift.Mean, 1e-6);
        Assert.AreEqual(0, drift.Outside);
        Assert.AreEqual("column 1 of input 'x'", drift.Then.ToString());
    }

    [TestMethod]
    public void What_lies_outside_is_told_infinities_among_it()
    {
        TensorSignature input = DrawnDataset.Input("N", 2);
        DriftMeasurement measurement = new([input], Distributions(new DrawnDataset(100, i => DrawnDataset.Row(i, 5)), input));
        foreach (int i in Enumerable.Range(0, 100))
        {
            measurement.Add(DrawnDataset.Row(i < 10 ? -1 : i < 20 ? 200 : i < 25 ? float.NaN : i, 5));
        }

        IReadOnlyList<InputDrift> drifts = measurement.Measure();

        Assert.AreEqual(0, drifts[0].Then.Channel);
        Assert.AreEqual(0.25, drifts[0].Outside, 1e-9);
        Assert.AreEqual(0, drifts[1].StabilityIndex, 1e-9);
        Assert.AreEqual(0, drifts[1].Outside);
    }

    [TestMethod]
    public void A_constant_that_moves_has_drifted()
    {
        TensorSignature input = DrawnDataset.Input("N", 2);
        DriftMeasurement measurement = new([input], Distributions(new DrawnDataset(50, i => DrawnDataset.Row(7, i)), input));
        foreach (int i in Enumerable.Range(0, 50))
        {
            measurement.Add(DrawnDataset.Row(6.99f, i));
        }

        InputDrift drift = measurement.Measure()[0];

        Assert.AreEqual(0, drift.Then.Channel);
        Assert.AreEqual(1, drift.Outside);
        Assert.IsTrue(drift.Exceeds(InputDrift.Significant));
    }

    [TestMethod]
    public void Few_samples_decide_nothing()
    {
        TensorSignature input = DrawnDataset.Input("N", 2);
        DriftMeasurement measurement = new([input], Distributions(new DrawnDataset(100, i => DrawnDataset.Row(i, i)), input));
        foreach (int i in Enumerable.Range(0, 29))
        {
            measurement.Add(DrawnDataset.Row(1000 + i, i));
        }

        Assert.IsFalse(measurement.Measure()[0].HasEnoughSamples);
        Assert.IsFalse(measurement.Measure()[0].Exceeds(0));
    }

    [TestMethod]
    public void Channels_are_those_of_the_input()
    {
        static int Count(ElementType type, params Dimension[] shape) => InputChannels.Of(new TensorSignature("x", type, shape)).Count;

        Assert.AreEqual(3, Count(ElementType.Float, "N", 3, 32, 32));
        Assert.AreEqual(3, Count(ElementType.UInt8, 1, 32, 32, 3));
        Assert.AreEqual(3, Count(ElementType.Float, "N", 3, "H", "W"));
        Assert.AreEqual(10, Count(ElementType.Float, "N", 10));
        Assert.AreEqual(1, Count(ElementType.Float, "N", 65));
        Assert.AreEqual(1, Count(ElementType.Int64, "N", 10));
        Assert.AreEqual(1, Count(ElementType.Float, "N", "T"));
        Assert.AreEqual(1, Count(ElementType.Float, "N", 40, 80));
        Assert.AreEqual(1, Count(ElementType.Float));
    }

    [TestMethod]
    public void A_channel_has_its_own_distribution_wherever_it_lies()
    {
        foreach (bool isLast in (bool[])[false, true])
        {
            TensorSignature input = isLast ? DrawnDataset.Input("N", 6, 5, 3) : DrawnDataset.Input("N", 3, 6, 5);
            long[] shape = [1, .. input.Shape.Skip(1).Select(dimension => dimension.Size!.Value)];
            float[] values = [.. Enumerable.Range(0, 90).Select(i => (float)(isLast ? i % 3 : i / 30))];
            IReadOnlyList<InputDistribution> found = Distributions(new DrawnDataset(5, _ => new Sample([Tensor.Create(shape, values)], null)), input);

            CollectionAssert.AreEqual(new double[] { 0, 1, 2 }, found.Select(channel => channel.Mean).ToArray());
            CollectionAssert.AreEqual(new double[] { 0, 1, 2 }, found.Select(channel => channel.Highest).ToArray());
        }
    }

    [TestMethod]
    public void Channels_of_several_images_in_one_sample_are_told_apart()
    {
        TensorSignature input = DrawnDataset.Input(2, 3, 4, 5);
        float[] values = [.. Enumerable.Range(0, 120).Select(i => (float)(i / 20 % 3))];
        DrawnDataset data = new(40, _ => new Sample([Tensor.Create([2, 3, 4, 5], values)], null));

        IReadOnlyList<InputDistribution> found = Distributions(data, input);

        CollectionAssert.AreEqual(new double[] { 0, 1, 2 }, found.Select(channel => channel.Mean).ToArray());
        CollectionAssert.AreEqual(new double[] { 0, 1, 2 }, found.Select(channel => channel.Highest).ToArray());
        Assert.AreEqual(0, Largest(input, found, data, pixel => pixel).Value);
    }

    [TestMethod]
    public void Distributions_of_another_model_are_refused()
    {
        IReadOnlyList<InputDistribution> then = Distributions(new DrawnDataset(50, i => DrawnDataset.Row(i, i)), DrawnDataset.Input("N", 2));

        Assert.ThrowsExactly<ArgumentException>(() => new DriftMeasurement([DrawnDataset.Input("N", 1, 8, 8)], then));
        Assert.ThrowsExactly<ArgumentException>(() => new DriftMeasurement([new TensorSignature("y", ElementType.Float, ["N", 2])], then));
        Assert.ThrowsExactly<ArgumentException>(() => new DriftMeasurement([DrawnDataset.Input("N", 2)], [then[0] with { Channel = 2 }]));
        Assert.ThrowsExactly<ArgumentException>(() => new DriftMeasurement([DrawnDataset.Input("N", 2)], [then[0] with { Shares = [1] }]));
    }

    [TestMethod]
    [DataRow("mnist/test5k-images.idx.gz", new long[] { 1, 28, 28 }, 255)]
    [DataRow("fashion900/images600.idx.gz", new long[] { 1, 28, 28 }, 255)]
    [DataRow("textline_orient/images400.idx.gz", new long[] { 48, 192, 3 }, 255)]
    [DataRow("photos", new long[] { 3, 224, 224 }, 255)]
    [DataRow("digits/test_x.idx.gz", new long[] { 64 }, 16)]
    [DataRow("iris/iris.csv", new long[] { 4 }, 8)]
    public void Halves_of_real_data_have_not_drifted_and_wrongly_prepared_ones_have(string data, long[] shape, float range)
    {
        TensorSignature input = DrawnDataset.Input(["N", .. shape.Select(size => new Dimension(size, null))]);
        (Dataset then, Dataset now) = Dataset.Open(Path.Combine(PublishedData.Root(), "datasets", data), [input]).Take(400).Part(75, seed: 1);
        IReadOnlyList<InputDistribution> distributions = Distributions(then, input);

        Assert.IsFalse(Drift(now, pixel => pixel).Exceeds(InputDrift.Significant));
        Assert.IsTrue(Drift(now, pixel => pixel / 255).Exceeds(InputDrift.Significant));
        Assert.IsTrue(Drift(now, pixel => pixel + 0.2f * range).Exceeds(InputDrift.Significant));
        Assert.IsTrue(Drift(now, pixel => 1.5f * pixel).Exceeds(InputDrift.Significant));

        InputDrift Drift(Dataset samples, Func<float, float> edit) => Largest(input, distributions, samples, edit);
    }

    [TestMethod]
    [DataRow("mnist/test5k-images.idx.gz", new long[] { 1, 28, 28 }, 255)]
    [DataRow("fashion900/images600.idx.gz", new long[] { 1, 28, 28 }, 255)]
    [DataRow("digits/test_x.idx.gz", new long[] { 64 }, 16)]
    public void Noise_where_there_was_none_is_drift(string data, long[] shape, float range)
    {
        TensorSignature input = DrawnDataset.Input(["N", .. shape.Select(size => new Dimension(size, null))]);
        (Dataset then, Dataset now) = Dataset.Open(Path.Combine(PublishedData.Root(), "datasets", data), [input]).Take(400).Part(200, seed: 1);
        Random random = new(4);

        Assert.IsTrue(Largest(input, Distributions(then, input), now, pixel => Math.Clamp(pixel + 0.1f * range * (random.NextSingle() - 0.5f), 0, range)).Exceeds(InputDrift.Significant));
    }

    /// <summary>The drift of the channel that has most, where every number is changed.</summary>
    private static InputDrift Largest(TensorSignature input, IReadOnlyList<InputDistribution> distributions, Dataset samples, Func<float, float> edit)
    {
        DriftMeasurement measurement = new([input], distributions);
        foreach (Sample sample in samples.Read())
        {
            measurement.Add(new Sample([Tensor.Create([.. sample.Inputs[0].Dimensions], Array.ConvertAll(sample.Inputs[0].ToSingles(), pixel => edit(pixel)))], null));
        }

        return measurement.Measure()[0];
    }

    private static IReadOnlyList<InputDistribution> Distributions(Dataset data, TensorSignature input)
    {
        DataSurvey survey = new(data, [input]);
        survey.ReadRest();
        return survey.Distributions;
    }
}
