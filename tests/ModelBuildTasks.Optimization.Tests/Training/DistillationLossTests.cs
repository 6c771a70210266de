using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Training.Distilling;

namespace ModelBuildTasks.Optimization.Tests.Training;

[TestClass]
public sealed class DistillationLossTests
{
    private static readonly float[] Student = [1, 2, -1, 0.5f, 0, 3], Taught = [2, 1, 0, 1, -1, 2];

    [TestMethod]
    public void Of_classes_it_is_the_divergence_of_softened_probabilities()
    {
        double expected = 0;
        for (int row = 0; row < 2; row++)
        {
            double[] t = Softened(Taught, row), s = Softened(Student, row);
            expected += t.Zip(s, (p, q) => p * Math.Log(p / q)).Sum();
        }

        Assert.AreEqual(16 * expected / 2, Loss(TargetKind.Classes, variance: 1), 1e-5);
    }

    [TestMethod]
    public void Of_numbers_it_is_the_squared_difference_over_the_variance() =>
        Assert.AreEqual(Student.Zip(Taught, (s, t) => (s - t) * (double)(s - t)).Average() / 2.5, Loss(TargetKind.Numbers, variance: 2.5f), 1e-5);

    [TestMethod]
    public void Where_numbers_are_kept_their_difference_adds_to_that_of_classes() =>
        Assert.AreEqual(Loss(TargetKind.Classes, 2.5f) + Loss(TargetKind.Numbers, 2.5f), Loss(TargetKind.Classes, 2.5f, keepsNumbers: true), 1e-5);

    [TestMethod]
    public void Labels_add_a_tenth_of_their_cross_entropy()
    {
        long[] labels = [2, 0];
        double expected = Enumerable.Range(0, 2).Average(row =>
        {
            double[] scores = [.. Student[(3 * row)..(3 * (row + 1))].Select(score => Math.Exp(score))];
            return -Math.Log(scores[labels[row]] / scores.Sum());
        });

        Assert.AreEqual(Loss(TargetKind.Classes, 1) + (0.1 * expected), Loss(TargetKind.Classes, 1, labels), 1e-5);
    }

    [TestMethod]
    public void The_distance_from_the_teacher_has_neither_labels_nor_hints()
    {
        double distance = Loss(TargetKind.Classes, variance: 1);

        Assert.AreEqual(distance, Loss(TargetKind.Classes, variance: 1, labels: [2, 0], isDistance: true), 1e-5);
        Assert.AreEqual(distance, Loss(TargetKind.Classes, variance: 1, hasHint: true, isDistance: true), 1e-5);
        Assert.IsGreaterThan(distance + 0.01, Loss(TargetKind.Classes, variance: 1, hasHint: true));
    }

    private static double[] Softened(float[] scores, int row)
    {
        double[] powers = [.. scores[(3 * row)..(3 * (row + 1))].Select(score => Math.Exp(score / 4))];
        return [.. powers.Select(power => power / powers.Sum())];
    }

    private static double Loss(TargetKind kind, float variance, long[]? labels = null, bool hasHint = false, bool isDistance = false, bool keepsNumbers = false)
    {
        Model model = Model.Create("loss", opset: 17, irVersion: 8);
        Graph graph = model.Graph;
        graph.AddInput("student", new TensorType(ElementType.Float, 2, 3));
        DistillationTarget output = new("student", "teacher", kind, kind == TargetKind.Classes ? 1 : 0, 1) { KeepsNumbers = keepsNumbers };
        DistillationTarget[] targets = hasHint ? [output, new DistillationTarget("student", "teacher", TargetKind.Numbers, 0, DistillationTarget.HintWeight) { IsHint = true }] : [output];
        (Value loss, Value distance) = DistillationLoss.Append(graph, targets, [.. targets.Select(_ => new long[] { 2, 3 })], [.. targets.Select(_ => variance)], labels is not null);
        Value judged = isDistance ? distance : loss;
        judged.Type = new TensorType(ElementType.Float);
        graph.AddOutput(judged);
        using ModelSession session = ModelSession.Open(model);
        Tensor taught = Tensor.Create([2, 3], Taught);
        return session.Run([Tensor.Create([2, 3], Student), .. targets.Select(_ => taught), .. labels is null ? [] : new[] { Tensor.Vector(labels) }])[0].ToSingles()[0];
    }
}
