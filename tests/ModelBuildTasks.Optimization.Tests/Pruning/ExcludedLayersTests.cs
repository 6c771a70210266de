using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Pruning;
using ModelBuildTasks.Optimization.Simplification;
using ModelBuildTasks.Optimization.Targets;
using ModelBuildTasks.Optimization.Tests.Quantization;

namespace ModelBuildTasks.Optimization.Tests.Pruning;

[TestClass]
public class ExcludedLayersTests
{
    [TestMethod]
    [DataRow("second", true)]
    [DataRow("second.w", true)]
    [DataRow("sec*", true)]
    [DataRow("*cond*w", true)]
    [DataRow("*", true)]
    [DataRow("Second", false)]
    [DataRow("sec", false)]
    [DataRow("second?w", false)]
    [DataRow("second.b", false)]
    public void Names_are_those_of_nodes_or_weights_with_a_star_for_any_characters(string pattern, bool isExcluded)
    {
        Model model = SampledPruning.Convolutions().Model;

        Assert.AreEqual(isExcluded, new ExcludedLayers([pattern]).Contains(Find(model, "second")));
    }

    [TestMethod]
    public void A_layer_without_a_name_has_that_of_its_result()
    {
        Model model = SampledPruning.Convolutions().Model;
        Node second = Find(model, "second");
        second.Name = "";

        Assert.IsTrue(new ExcludedLayers([second.Output.Name]).Contains(second));
    }

    [TestMethod]
    public void A_name_of_the_source_model_holds_where_simplification_gave_the_weights_another()
    {
        Model model = Model.Create("normalized", 17, 8);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, 1, 2, 4, 4));
        Value weight = model.Graph.AddInitializer("w", Tensor.Create([2, 2, 1, 1], [1f, 2, 3, 4]));
        Value[] statistics = [.. new[] { "gamma", "beta", "mean", "variance" }.Select(name => model.Graph.AddInitializer(name, Tensor.Vector(1f, 2f)))];
        model.Graph.AddOutput(model.Graph.Add("BatchNormalization", [model.Graph.Add("Conv", x, weight), .. statistics]));
        ExcludedLayers excluded = new(["w"], model.Clone());

        Assert.IsTrue(new GraphSimplification().Apply(model, new PassContext(TargetProfiles.Cpu)).Changed);

        Assert.IsTrue(excluded.Contains(model.Graph.Nodes.Single(node => node.OpType == "Conv")));
    }

    [TestMethod]
    public void A_name_that_no_layer_has_is_answered_with_the_nearest()
    {
        (string pattern, IReadOnlyList<string> nearest) = ExcludedLayers.Unmatched(["second", "thrid*"], SampledPruning.Convolutions().Model, (name, wanted) => Math.Abs(name.Length - wanted.Length)).Single();

        Assert.AreEqual("thrid*", pattern);
        Assert.AreEqual("second", nearest[0]);
        Assert.Contains("first", nearest);
    }

    [TestMethod]
    [DataRow(nameof(MagnitudePruning))]
    [DataRow(nameof(ThresholdPruning))]
    [DataRow(nameof(SecondOrderPruning))]
    [DataRow(nameof(TwoFourPruning))]
    [DataRow(nameof(Surgery))]
    [DataRow(nameof(Reconstruction))]
    public void Single_weights_of_an_excluded_layer_stay_as_they_are(string technique)
    {
        SmallNetwork network = SampledPruning.Convolutions();
        float[] before = MagnitudePruningTests.Weights(network.Model, "second.w");
        ExcludedLayers excluded = new(["second"]);
        IModelPass pass = technique switch
        {
            nameof(MagnitudePruning) => new MagnitudePruning(0.5, excluded: excluded),
            nameof(ThresholdPruning) => new ThresholdPruning(0.1, excluded),
            nameof(SecondOrderPruning) => new SecondOrderPruning(0.5, excluded: excluded),
            nameof(TwoFourPruning) => new TwoFourPruning(excluded),
            nameof(Surgery) => new Surgery(0.5, excluded: excluded),
            _ => new Reconstruction(new MagnitudePruning(0.5, excluded: excluded), excluded),
        };

        pass.Apply(network.Model, SampledPruning.Context(network.Samples));

        CollectionAssert.AreEqual(before, MagnitudePruningTests.Weights(network.Model, "second.w"));
    }

    [TestMethod]
    public void Weights_that_an_excluded_layer_shares_stay_as_they_are()
    {
        Model model = SampledPruning.Convolutions().Model;
        Node second = Find(model, "second");
        Node twin = model.Graph.AddNode("Conv", [second.Inputs[0], second.Inputs[1]], name: "twin").Set("pads", [1L, 1, 1, 1]);
        model.Graph.AddOutput(twin.Output);
        float[] before = MagnitudePruningTests.Weights(model, "second.w");

        new MagnitudePruning(0.5, excluded: new ExcludedLayers(["twin"])).Apply(model, new PassContext(TargetProfiles.Cpu));

        CollectionAssert.AreEqual(before, MagnitudePruningTests.Weights(model, "second.w"));
    }

    private static Node Find(Model model, string name) => model.Graph.Nodes.Single(node => node.Name == name);
}
