using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Pruning;
using ModelBuildTasks.Optimization.Pruning.Structured;
using ModelBuildTasks.Optimization.Simplification;
using ModelBuildTasks.Optimization.Targets;
using ModelBuildTasks.Optimization.Tests.Quantization;

namespace ModelBuildTasks.Optimization.Tests.Pruning.Structured;

[TestClass]
public class PrunedFormsTests
{
    private static readonly PassContext Context = new(TargetProfiles.Cpu, new ListedSamples([.. Enumerable.Range(0, 16).Select(_ => Network().Numbers(1, 3, 6, 6))]));

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void Each_form_is_what_structured_pruning_makes_with_its_share(bool hasSamples)
    {
        PassContext context = hasSamples ? Context : Context with { Calibration = null };
        PrunedForms forms = PrunedForms.Of(Network().Model, null, context, out _)!;

        // Down and up again, so that no form depends on those that were made before.
        foreach (double share in (double[])[0.75, 0.5, 0.25, 0, 0.5, 1])
        {
            Model stated = Network().Model;
            PassOutcome expected = new StructuredPruning(share).Apply(stated, context);

            (Model pruned, PassOutcome outcome) = forms.At(share);

            CollectionAssert.AreEqual(stated.ToBytes(), pruned.ToBytes());
            Assert.AreEqual(expected.Changed, outcome.Changed);
            Assert.AreEqual(expected.Explanation, outcome.Explanation);
            CollectionAssert.AreEqual(expected.Refusals.ToArray(), outcome.Refusals.ToArray());
        }
    }

    [TestMethod]
    public void The_model_stays_as_it_was()
    {
        Model model = Network().Model;
        byte[] before = model.ToBytes();

        PrunedForms.Of(model, null, Context, out _)!.At(0.5);

        CollectionAssert.AreEqual(before, model.ToBytes());
    }

    [TestMethod]
    public void Dead_channels_go_first()
    {
        Model model = Network().Model;
        Value read = model.Graph.Nodes.Single(node => node.Name == "last").Input(1)!;
        read.Initializer = Tensor.Create([.. read.Constant!.Dimensions], read.Constant.ToSingles().Select((w, i) => i % 32 < 4 ? 0 : w).ToArray());
        Model stated = model.Clone();

        PrunedForms forms = PrunedForms.Of(model, null, Context, out PassOutcome outcome)!;
        (Model pruned, PassOutcome done) = forms.At(0.5);
        new StructuredPruning(0.5).Apply(stated, Context);

        Assert.IsTrue(outcome.Changed);
        Assert.AreEqual(60, forms.Removable);
        Assert.AreEqual("4 dead channels removed. 60 channels may go.", outcome.Explanation);
        Assert.StartsWith("4 dead channels removed. ", done.Explanation);
        CollectionAssert.AreEqual(stated.ToBytes(), pruned.ToBytes());
    }

    [TestMethod]
    public void More_channels_leave_less_time()
    {
        PrunedForms forms = PrunedForms.Of(Network().Model, null, Context, out _)!;

        double[] left = [.. new[] { 0, 0.25, 0.5, 0.75 }.Select(forms.TimeLeft)];

        Assert.AreEqual(1, left[0]);
        Assert.IsGreaterThan(0, left[^1]);
        CollectionAssert.AreEqual(left.OrderDescending().Distinct().ToArray(), left);
    }

    [TestMethod]
    public void Shares_between_two_steps_are_the_same()
    {
        PrunedForms forms = PrunedForms.Of(Network().Model, null, Context, out _)!;

        Assert.IsTrue(forms.AreSame(0.5, 0.52));
        Assert.IsFalse(forms.AreSame(0.5, 0.25));
    }

    [TestMethod]
    public void A_model_without_such_channels_has_none_and_says_why()
    {
        Model model = CoupledGraph.From([2, 6], (g, x) => g.Product(x, 6, 8)).Model;

        Assert.IsNull(PrunedForms.Of(model, null, new PassContext(TargetProfiles.Cpu), out PassOutcome outcome));
        Assert.AreEqual("The model has no channels that can be removed.", outcome.Explanation);
        Assert.IsFalse(outcome.Changed);
    }

    [TestMethod]
    [DataRow(-0.1)]
    [DataRow(1.1)]
    [DataRow(double.NaN)]
    public void A_share_is_0_to_1(double share) =>
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => PrunedForms.Of(Network().Model, null, Context, out _)!.At(share));

    [TestMethod]
    [DoNotParallelize]
    [DataRow("aka_resnet20_cifar10.onnx")]
    [DataRow("mobilenet_v1_0.25_224.onnx")]
    public void Forms_of_a_real_model_are_those_of_structured_pruning(string name)
    {
        QuantizationCase real = new(name);
        PassContext context = new(TargetProfiles.Cpu, real.Open(calibration: true).Take(32));
        PrunedForms forms = PrunedForms.Of(real.Simplified.Clone(), null, context, out _)!;

        foreach (double share in (double[])[0.5, 0.2])
        {
            Model stated = real.Simplified.Clone();
            new StructuredPruning(share).Apply(stated, context);

            CollectionAssert.AreEqual(stated.ToBytes(), forms.At(share).Pruned.ToBytes());
        }
    }

    [TestMethod]
    public void Where_no_size_is_known_no_time_is_promised()
    {
        // What an operator of another domain gives has a shape that nobody knows, so that no layer has a time.
        Model model = CoupledGraph.From([1, 3, 6, 6], (g, x) =>
        {
            g.Model.OpsetImports["elsewhere"] = 1;
            return g.Conv(g.Add("Relu", g.Conv(g.Graph.AddNode("Odd", [x], domain: "elsewhere").Output, 3, 32, 3, name: "first")), 32, 4, name: "last");
        }).Model;

        PrunedForms forms = PrunedForms.Of(model, null, Context with { Calibration = null }, out _)!;

        Assert.AreEqual(1, forms.TimeLeft(0.5));
        Assert.DoesNotContain("NaN", forms.At(0.5).Outcome.Explanation);
    }

    private static CoupledGraph Network() => CoupledGraph.From([1, 3, 6, 6], (g, x) =>
        g.Conv(g.Add("Relu", g.Conv(g.Add("Relu", g.Conv(x, 3, 32, 3, name: "first")), 32, 32, 3, name: "second")), 32, 4, name: "last"));
}
