using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Pruning;
using ModelBuildTasks.Optimization.Quantization;
using ModelBuildTasks.Optimization.Targets;
using ModelBuildTasks.Optimization.Tests.Quantization;

namespace ModelBuildTasks.Optimization.Tests.Pruning;

[TestClass]
public sealed class ReconstructionTests
{
    [TestMethod]
    [DataRow(1)]
    [DataRow(4)]
    public void Recovers_at_least_half_of_what_magnitude_pruning_loses_and_keeps_its_zeros(int groups)
    {
        SmallNetwork network = SampledPruning.Convolutions(groups);
        Model pruned = network.Model.Clone();
        Model refitted = network.Model.Clone();
        new MagnitudePruning(0.5).Apply(pruned, SampledPruning.Context(network.Samples));

        PassOutcome outcome = new Reconstruction(new MagnitudePruning(0.5)).Apply(refitted, SampledPruning.Context(network.Samples));

        Assert.Contains("refitted", outcome.Explanation);
        Assert.IsLessThan(0.5 * SampledPruning.Error(network.Model, pruned, network.Samples), SampledPruning.Error(network.Model, refitted, network.Samples));
        foreach (string name in (string[])["first.w", "second.w"])
        {
            CollectionAssert.AreEqual(
                Array.ConvertAll(MagnitudePruningTests.Weights(pruned, name), w => w == 0),
                Array.ConvertAll(MagnitudePruningTests.Weights(refitted, name), w => w == 0));
        }
    }

    [TestMethod]
    [DataRow("mnist8_cntk.onnx", "mnist", "calib1k-images.idx.gz")]
    [DataRow("digits_mlp.onnx", "digits", "train_x.idx.gz")]
    public void Recovers_at_least_half_on_real_models(string name, string folder, string file)
    {
        (Model model, Dataset samples) = SampledPruning.Real(name, "datasets", folder, file);
        Model pruned = model.Clone();
        Model refitted = model.Clone();

        new MagnitudePruning(0.7).Apply(pruned, SampledPruning.Context(samples));
        new Reconstruction(new MagnitudePruning(0.7)).Apply(refitted, SampledPruning.Context(samples));

        Assert.IsLessThan(0.5 * SampledPruning.Error(model, pruned, samples), SampledPruning.Error(model, refitted, samples));
    }

    /// <summary>Much is lost in front, so that a layer fitted to what it reads before that is mended would be wrong by far afterwards.</summary>
    [TestMethod]
    public void No_layer_of_a_deep_model_errs_more_than_before()
    {
        SmallNetwork network = new();
        Value value = network.Input;
        string[] results = new string[16];
        for (int i = 0; i < results.Length; i++)
        {
            Value result = network.Convolve(value, $"layer{i}");
            results[i] = result.Name;
            value = network.Graph.Add("Relu", result);
        }

        network.Classify(value);
        Model pruned = network.Model.Clone();
        Model refitted = network.Model.Clone();

        new MagnitudePruning(0.8).Apply(pruned, SampledPruning.Context(network.Samples));
        new Reconstruction(new MagnitudePruning(0.8)).Apply(refitted, SampledPruning.Context(network.Samples));

        foreach (string result in results)
        {
            const double Rounding = 1.001;
            Assert.IsLessThanOrEqualTo(Rounding * SampledPruning.Error(network.Model, pruned, network.Samples, result), SampledPruning.Error(network.Model, refitted, network.Samples, result), result);
        }
    }

    [TestMethod]
    public void Without_samples_it_prunes_alone()
    {
        SmallNetwork network = SampledPruning.Convolutions();
        Model pruned = network.Model.Clone();
        new MagnitudePruning(0.5).Apply(pruned, new PassContext(TargetProfiles.CpuX64));

        PassOutcome outcome = new Reconstruction(new MagnitudePruning(0.5)).Apply(network.Model, new PassContext(TargetProfiles.CpuX64));

        Assert.IsTrue(outcome.Changed);
        CollectionAssert.AreEqual(MagnitudePruningTests.Weights(pruned, "first.w"), MagnitudePruningTests.Weights(network.Model, "first.w"));
    }

    [TestMethod]
    public void Samples_that_cannot_be_run_leave_the_pruned_model()
    {
        SmallNetwork network = SampledPruning.Convolutions();

        PassOutcome outcome = new Reconstruction(new MagnitudePruning(0.5)).Apply(network.Model, SampledPruning.Context(ListedSamples.Random([1, 5, 4, 4], 3)));

        Assert.IsTrue(outcome.Changed);
        Assert.Contains("Nothing was refitted: a calibration sample cannot be run", outcome.Explanation);
        Assert.AreEqual(0.5, SampledPruning.Sparsity(network.Model, "first.w", "second.w"), 1e-4);
    }

    [TestMethod]
    public void The_bias_of_a_product_is_the_vector_added_behind_it()
    {
        SmallNetwork network = new(shape: [4, 9, 64]);
        Value product = network.Graph.AddNode("MatMul", [network.Input, network.Weight("w", 64, 32)], name: "product").Output;
        network.Output(network.Graph.Add("Add", product, network.Weight("b", 32)));
        Dataset samples = ListedSamples.Random([4, 9, 64], 8, lowest: 0.5f, highest: 1.5f);
        Model pruned = network.Model.Clone();
        Model refitted = network.Model.Clone();
        new MagnitudePruning(0.5).Apply(pruned, SampledPruning.Context(samples));

        new Reconstruction(new MagnitudePruning(0.5)).Apply(refitted, SampledPruning.Context(samples));

        Assert.IsLessThan(0.5 * SampledPruning.Error(network.Model, pruned, samples), SampledPruning.Error(network.Model, refitted, samples));
        Assert.AreNotEqual(
            MagnitudePruningTests.Weights(pruned, "b")[0],
            refitted.Graph.Nodes.Single(node => node.OpType == "Add").Inputs[1]!.Initializer!.ToSingles()[0]);
    }

    [TestMethod]
    public void Alpha_and_beta_of_a_Gemm_go_into_its_weights()
    {
        SmallNetwork network = new(shape: [16, 64]);
        Node product = network.Graph.AddNode("Gemm", [network.Input, network.Weight("w", 64, 32), network.Weight("b", 32)], name: "product").Set("alpha", 2f).Set("beta", 3f);
        network.Output(product.Output);
        Model refitted = network.Model.Clone();
        Model pruned = network.Model.Clone();
        Dataset samples = ListedSamples.Random([16, 64], 16, lowest: 0.5f, highest: 1.5f);
        new MagnitudePruning(0.3).Apply(pruned, SampledPruning.Context(samples));

        new Reconstruction(new MagnitudePruning(0.3)).Apply(refitted, SampledPruning.Context(samples));

        Assert.IsLessThan(SampledPruning.Error(network.Model, pruned, samples), SampledPruning.Error(network.Model, refitted, samples));
    }

    /// <summary>Channel 1 of the first layer repeats channel 0, so that without it the second layer can give the same.</summary>
    [TestMethod]
    public void A_model_with_fewer_channels_is_refitted_to_those_that_are_left()
    {
        float[] filters = Weights.Uniform(new Random(1), [32, 32, 3, 3], -0.1f, 0.1f).ToSingles();
        filters.AsSpan(0, 288).CopyTo(filters.AsSpan(288));
        float[] behind = Weights.Uniform(new Random(2), [32, 32, 1, 1], -0.1f, 0.1f).ToSingles();
        int[] kept = [0, .. Enumerable.Range(2, 30)];
        Model original = TwoConvolutions(filters, behind, 32);
        Model pruned = TwoConvolutions(
            [.. kept.SelectMany(channel => filters[(channel * 288)..((channel + 1) * 288)])], [.. behind.Where((_, i) => i % 32 != 1)], 31);
        Dataset samples = ListedSamples.Random(SmallNetwork.InputShape, 8);
        double before = SampledPruning.Error(original, pruned, samples);

        Reconstruction.Refit(original, pruned, new Dictionary<string, int[]> { ["hidden"] = kept }, ExcludedLayers.None, SampledPruning.Context(samples), []);

        Assert.IsLessThan(0.01 * before, SampledPruning.Error(original, pruned, samples));
    }

    [TestMethod]
    public void Zeros_are_zeros_in_integers_too()
    {
        SmallNetwork network = SampledPruning.Convolutions();
        new Reconstruction(new MagnitudePruning(0.5)).Apply(network.Model, SampledPruning.Context(network.Samples));
        bool[] zeros = Array.ConvertAll(MagnitudePruningTests.Weights(network.Model, "second.w"), w => w == 0);

        PassOutcome outcome = new StaticQuantization().Apply(network.Model, SampledPruning.Context(network.Samples));

        Assert.IsTrue(outcome.Changed, outcome.Explanation);
        Tensor[] codes = [.. network.Graph.Initializers.Select(value => value.Initializer!).Where(tensor => tensor.ElementType == ElementType.Int8 && tensor.Length == zeros.Length)];
        Assert.IsTrue(codes.Any(tensor => tensor.Span<sbyte>().ToArray().Zip(zeros).All(pair => !pair.Second || pair.First == 0)));
    }

    private static Model TwoConvolutions(float[] filters, float[] behind, int channels)
    {
        Model model = Model.Create("two", 13, 7);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, 1, 32, 16, 16));
        Value hidden = model.Graph.AddNode("Conv", [x, model.Graph.AddInitializer("w1", Tensor.Create([channels, 32, 3, 3], filters))], name: "first").Output;
        hidden.Name = "hidden";
        Value y = model.Graph.AddNode("Conv", [model.Graph.Add("Relu", hidden), model.Graph.AddInitializer("w2", Tensor.Create([32, channels, 1, 1], behind))], name: "second").Output;
        y.Name = "y";
        y.Type = new TensorType(ElementType.Float, (IReadOnlyList<Dimension>?)null);
        model.Graph.AddOutput(y);
        return model;
    }
}
