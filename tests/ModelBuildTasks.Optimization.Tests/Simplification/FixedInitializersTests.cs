using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Simplification;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Optimization.Tests.Simplification;

[TestClass]
public class FixedInitializersTests
{
    private static readonly PassContext Context = new(TargetProfiles.Cpu);

    [TestMethod]
    public void Initializers_that_are_inputs_become_plain_weights_and_the_ir_version_allows_it()
    {
        Model model = Model.Create("g", 9, 3);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, 1, 4));
        Value w = model.Graph.AddInput("w", new TensorType(ElementType.Float, 4));
        w.Initializer = Tensor.Vector(1f, 2f, 3f, 4f);
        model.Graph.AddOutput(model.Graph.Add("Mul", x, w));

        new GraphSimplification().Apply(model, Context);

        Assert.AreEqual("x", model.Graph.Inputs.Single().Name);
        Assert.AreEqual(4, model.IrVersion);
        using ModelSession session = ModelSession.Open(model);
        Assert.AreEqual(4f, session.Run([Tensor.Create([1, 4], [1f, 1f, 1f, 1f])])[0].ToSingles()[3]);
    }

    [TestMethod]
    public void An_input_with_a_default_among_plain_weights_stays_and_the_outcome_says_so()
    {
        Model model = Model.Create("g", 17, 8);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, 2, 2));
        Value threshold = model.Graph.AddInput("threshold", new TensorType(ElementType.Float, 1));
        threshold.Initializer = Tensor.Vector(0.5f);
        model.Graph.AddOutput(model.Graph.Add("Max", model.Graph.Add("MatMul", x, Simplified.Weight(model.Graph, 2, 2)), threshold));

        PassOutcome outcome = new GraphSimplification().Apply(model, Context);

        Assert.HasCount(2, model.Graph.Inputs);
        Assert.Contains("'threshold' has a default", string.Join("\n", outcome.Refusals));
    }

    [TestMethod]
    public void An_only_default_that_is_no_weight_stays_an_input()
    {
        Model model = Model.Create("g", 17, 8);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, 2, 2));
        Value threshold = model.Graph.AddInput("threshold", new TensorType(ElementType.Float, 1));
        threshold.Initializer = Tensor.Vector(0.5f);
        model.Graph.AddOutput(model.Graph.Add("Max", x, threshold));

        new GraphSimplification().Apply(model, Context);

        Assert.HasCount(2, model.Graph.Inputs);
    }

    [TestMethod]
    public void Where_an_exporter_lists_all_weights_they_become_plain_and_the_outcome_names_them()
    {
        Model model = Model.Create("g", 17, 8);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, 2, 4));
        foreach ((string name, long[] shape) in new (string, long[])[] { ("w", [4, 4]), ("b", [4]), ("c", [4]), ("d", [4]) })
        {
            Value weight = model.Graph.AddInput(name, new TensorType(ElementType.Float, [.. shape.Select(size => (Dimension)size)]));
            weight.Initializer = Simplified.Random(shape);
            x = model.Graph.Add(shape.Length == 2 ? "MatMul" : "Max", x, weight);
        }

        model.Graph.AddOutput(x);

        PassOutcome outcome = new GraphSimplification().Apply(model, Context);

        Assert.HasCount(1, model.Graph.Inputs);
        Assert.Contains("no longer override 'w', 'b', 'c' and 1 more", outcome.Explanation);
    }
}
