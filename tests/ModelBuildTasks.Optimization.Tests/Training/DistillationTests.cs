using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Targets;
using ModelBuildTasks.Optimization.Training;
using ModelBuildTasks.Optimization.Training.Distilling;

namespace ModelBuildTasks.Optimization.Tests.Training;

/// <summary>The student is the teacher with a third of its weights lost.</summary>
[TestClass]
public sealed class DistillationTests
{
    private const int Features = 6;
    private const int Classes = 3;

    private static readonly TrainingPlan Plan = new() { DefaultSteps = 300, LearningRate = 0.01f, Threads = 1 };

    [TestMethod]
    [DataRow(true)]
    [DataRow(false)]
    public void A_student_comes_nearer_to_its_teacher_without_labels(bool isClassifier)
    {
        (Model teacher, Model student) = (Network(), Damaged(Network()));
        double before = Distance(teacher, student);

        PassOutcome outcome = new Distillation(teacher, new Points(200), Plan) { IsClassifier = isClassifier }.Apply(student, new PassContext(TargetProfiles.CpuX64));

        Assert.IsTrue(outcome.Changed, outcome.Explanation);
        Assert.IsLessThan(before / 2, Distance(teacher, student));
    }

    [TestMethod]
    public void What_was_pruned_stays_zero()
    {
        Model student = Damaged(Network());
        int[] zeros = Zeros(student);

        Train(student, Network());

        CollectionAssert.AreEqual(zeros, Zeros(student));
        Assert.IsGreaterThan(3, zeros.Length);
    }

    [TestMethod]
    public void The_teacher_stays_as_it_is()
    {
        Model teacher = Network();
        byte[] before = teacher.ToBytes();

        Train(Damaged(Network()), teacher);

        CollectionAssert.AreEqual(before, teacher.ToBytes());
    }

    [TestMethod]
    public void A_student_that_is_its_teacher_is_left_as_it_is()
    {
        Model student = Network();
        byte[] before = student.ToBytes();

        PassOutcome outcome = Train(student, Network());

        Assert.IsFalse(outcome.Changed);
        CollectionAssert.AreEqual(before, student.ToBytes());
    }

    [TestMethod]
    public void Models_that_take_one_sample_at_a_time_are_taught()
    {
        Model teacher = Network(isFixed: true), student = Damaged(Network(isFixed: true));
        double before = Distance(teacher, student);

        PassOutcome outcome = Train(student, teacher);

        Assert.IsTrue(outcome.Changed, outcome.Explanation);
        Assert.IsLessThan(before, Distance(teacher, student));
        Assert.AreEqual(1, student.Graph.Inputs[0].Type!.Shape![0].Size);
    }

    [TestMethod]
    public void Of_a_softmax_what_it_scales_is_taught()
    {
        Model teacher = Network(endsInSoftmax: true), student = Damaged(Network(endsInSoftmax: true));
        double before = Distance(teacher, student);

        Train(student, teacher);

        Assert.IsLessThan(before / 2, Distance(teacher, student));
    }

    [TestMethod]
    public void Weights_in_constant_nodes_are_trained()
    {
        Model student = Damaged(Network());
        foreach (Value weight in student.Graph.Initializers.Where(value => value.Name.StartsWith('w')).ToArray())
        {
            Value constant = student.Graph.AddNode("Constant", []).Set("value", weight.Initializer!).Output;
            weight.ReplaceWith(constant);
            student.Graph.RemoveInitializer(weight);
        }

        double before = Distance(Network(), student);
        Train(student, Network());

        Assert.IsLessThan(before / 2, Distance(Network(), student));
    }

    [TestMethod]
    public void Repeats_itself_from_the_same_seed()
    {
        Model one = Damaged(Network()), same = Damaged(Network());
        Train(one, Network());
        Train(same, Network());

        CollectionAssert.AreEqual(one.ToBytes(), same.ToBytes());
    }

    [TestMethod]
    public void Labels_are_mixed_in()
    {
        Model without = Damaged(Network()), with = Damaged(Network());
        new Distillation(Network(), new Points(200), Plan) { IsClassifier = true }.Apply(without, new PassContext(TargetProfiles.CpuX64));
        new Distillation(Network(), new Points(200, isLabelled: true), Plan) { IsClassifier = true }.Apply(with, new PassContext(TargetProfiles.CpuX64));

        CollectionAssert.AreNotEqual(without.ToBytes(), with.ToBytes());
    }

    [TestMethod]
    public void A_negative_label_is_none_and_the_teacher_s_answer_stands_for_it()
    {
        Model student = Damaged(Network());

        PassOutcome outcome = new Distillation(Network(), new Points(200, isLabelled: true) { Odd = -1 }, Plan) { IsClassifier = true }.Apply(student, new PassContext(TargetProfiles.CpuX64));

        Assert.IsTrue(outcome.Changed, outcome.Explanation);
    }

    [TestMethod]
    public void A_label_beyond_the_classes_is_refused_as_accuracy_refuses_it()
    {
        Distillation distillation = new(Network(), new Points(200, isLabelled: true) { Odd = Classes }, Plan) { IsClassifier = true };

        DatasetException fault = Assert.ThrowsExactly<DatasetException>(() => distillation.Apply(Damaged(Network()), new PassContext(TargetProfiles.CpuX64)));

        Assert.AreEqual(DatasetError.DoesNotFit, fault.Error);
        Assert.Contains($"the label {Classes} is not one of the model's classes, 0 to {Classes - 1}", fault.Message);
    }

    [TestMethod]
    [DataRow(ElementType.Double)]
    [DataRow(ElementType.Float16)]
    public void Behind_an_operator_in_another_type_the_rest_is_trained(ElementType type)
    {
        Model teacher = Rows(type), student = Rows(type);
        student.Graph.Find("w2")!.Initializer = GradientCheck.Draw([Classes, Classes], seed: 5);

        PassOutcome outcome = new Distillation(teacher, new Sequences(), Plan).Apply(student, new PassContext(TargetProfiles.CpuX64));

        Assert.IsTrue(outcome.Changed, outcome.Explanation);
        Assert.Contains($"No gradient through Tanh 'island': it computes in {type}, which is not covered. Not trained because of it: w1.", outcome.Refusals.Single());
    }

    [TestMethod]
    public void Of_a_softmax_in_another_type_what_it_scales_is_taught()
    {
        Model teacher = Network(endsInSoftmax: true, type: ElementType.Double), student = Damaged(Network(endsInSoftmax: true, type: ElementType.Double));
        double before = Distance(teacher, student);

        Train(student, teacher);

        Assert.IsLessThan(before / 2, Distance(teacher, student));
    }

    [TestMethod]
    public void Samples_of_other_lengths_are_left_out()
    {
        Model teacher = Rows(), student = Damaged(Rows());

        PassOutcome outcome = new Distillation(teacher, new Sequences(), Plan with { DefaultSteps = 20 }).Apply(student, new PassContext(TargetProfiles.CpuX64));

        Assert.Contains(" steps ", outcome.Explanation);
    }

    [TestMethod]
    public void A_few_samples_are_learned_from_and_looked_at() => Assert.IsTrue(Train(Damaged(Network()), Network(), samples: 1).Changed);

    [TestMethod]
    public void Without_samples_nothing_is_learned() => Assert.Contains("no sample", Train(Damaged(Network()), Network(), samples: 0).Explanation);

    [TestMethod]
    public void An_operator_that_lets_no_gradient_pass_is_named_with_what_is_not_trained()
    {
        Model student = Shrunk();
        student.Graph.Find("w2")!.Initializer = GradientCheck.Draw([12, Classes], seed: 99);

        PassOutcome outcome = Train(student, Shrunk());

        Assert.IsTrue(outcome.Changed, outcome.Explanation);
        Assert.Contains("Shrink", outcome.Explanation);
        Assert.Contains("Not trained because of it: w1, b1.", outcome.Explanation);

        static Model Shrunk()
        {
            Model model = Network();
            Node second = model.Graph.Find("w2")!.Uses[0].Node;
            second.SetInput(0, model.Graph.Add("Shrink", second.Input(0)!));
            return model;
        }
    }

    [TestMethod]
    public void A_teacher_that_fits_no_sample_is_refused()
    {
        Model student = Damaged(Network());
        byte[] before = student.ToBytes();
        Model teacher = Network();
        Value input = teacher.Graph.Inputs[0];
        input.Type = new TensorType(ElementType.Float, "batch", Features + 1);

        PassOutcome outcome = Train(student, teacher);

        Assert.IsFalse(outcome.Changed);
        CollectionAssert.AreEqual(before, student.ToBytes());
    }

    [TestMethod]
    public void A_model_without_weights_is_refused()
    {
        Model model = Model.Create("m", opset: 17, irVersion: 8);
        Value y = model.Graph.Add("Relu", model.Graph.AddInput("x", new TensorType(ElementType.Float, "batch", Features)));
        y.Type = new TensorType(ElementType.Float, "batch", Features);
        model.Graph.AddOutput(y);

        Assert.Contains("no weight", Train(model, model.Clone()).Explanation);
    }

    private static PassOutcome Train(Model student, Model teacher, int samples = 200) =>
        new Distillation(teacher, new Points(samples), Plan) { IsClassifier = true }.Apply(student, new PassContext(TargetProfiles.CpuX64));

    private static double Distance(Model teacher, Model student)
    {
        using ModelSession one = ModelSession.Open(teacher), other = ModelSession.Open(student);
        return new Points(300, seed: 5).Read().Average(sample => one.Run(sample.Inputs)[0].ToSingles().Zip(other.Run(sample.Inputs)[0].ToSingles(), (a, b) => ((double)a - b) * (a - b)).Sum());
    }

    private static int[] Zeros(Model model) =>
        [.. model.Graph.Initializers.Where(value => value.Initializer!.Dimensions.Count > 1).SelectMany(value => value.Initializer!.ToSingles()).Select((value, index) => (value, index)).Where(entry => entry.value == 0).Select(entry => entry.index)];

    /// <summary>A third of the first layer's weights lost.</summary>
    private static Model Damaged(Model model)
    {
        Value weight = model.Graph.Find("w1")!;
        float[] values = weight.Initializer!.ToSingles();
        for (int i = 0; i < values.Length; i += 3)
        {
            values[i] = 0;
        }

        weight.Initializer = Tensor.Create([.. weight.Initializer.Dimensions], values);
        return model;
    }

    private static Model Network(bool isFixed = false, bool endsInSoftmax = false, ElementType type = ElementType.Float)
    {
        Model model = Model.Create("m", opset: 17, irVersion: 8);
        Graph graph = model.Graph;
        Dimension batch = isFixed ? 1 : "batch";
        Value x = graph.AddInput("x", new TensorType(ElementType.Float, batch, Features));
        x = graph.Add("Relu", Layer("1", x, Features, 12));
        // A shape that says one sample in so many words.
        x = isFixed ? graph.Add("Reshape", x, graph.AddInitializer("shape", Tensor.Vector(1L, 12L))) : x;
        x = Layer("2", x, 12, Classes);
        x = endsInSoftmax ? In(type, x, value => graph.Add("Softmax", value)) : x;
        x.Type = new TensorType(ElementType.Float, batch, Classes);
        graph.AddOutput(x);
        return model;

        Value Layer(string name, Value input, int from, int to) =>
            graph.Add("Gemm", input, graph.AddInitializer("w" + name, GradientCheck.Draw([from, to], seed: from)), graph.AddInitializer("b" + name, GradientCheck.Draw([to], seed: to)));
    }

    /// <summary>A value that is computed in another type.</summary>
    private static Value In(ElementType type, Value input, Func<Value, Value> compute)
    {
        Value Cast(Value value, ElementType to) => value.Graph.AddNode("Cast", [value]).Set("to", (long)to).Output;
        return type == ElementType.Float ? compute(input) : Cast(compute(Cast(input, type)), ElementType.Float);
    }

    /// <summary>A product for each of any number of rows, and where a type is named a Tanh in it and another product.</summary>
    private static Model Rows(ElementType? type = null)
    {
        Model model = Model.Create("m", opset: 17, irVersion: 8);
        Value y = model.Graph.Add("MatMul", model.Graph.AddInput("x", new TensorType(ElementType.Float, "batch", "rows", Features)), model.Graph.AddInitializer("w1", GradientCheck.Draw([Features, Classes], seed: 3)));
        if (type is { } island)
        {
            Value inside = In(island, y, value => model.Graph.AddNode("Tanh", [value], name: "island").Output);
            y = model.Graph.Add("MatMul", inside, model.Graph.AddInitializer("w2", GradientCheck.Draw([Classes, Classes], seed: 4)));
        }

        y.Type = new TensorType(ElementType.Float, "batch", "rows", Classes);
        model.Graph.AddOutput(y);
        return model;
    }

    private sealed class Sequences : Dataset
    {
        public override string Path => "sequences";

        public override int Count => 60;

        public override bool HasLabels => false;

        public override IEnumerable<Sample> Read() => Enumerable.Range(0, Count).Select(i => new Sample([GradientCheck.Draw([1, 3 + (i % 3), Features], i)], null));
    }

    private sealed class Points(int count, int seed = 1, bool isLabelled = false) : Dataset
    {
        public override string Path => "points";

        public override int Count => count;

        public override bool HasLabels => isLabelled;

        /// <summary>The label of sample 7.</summary>
        internal long? Odd { get; init; }

        public override IEnumerable<Sample> Read() =>
            Enumerable.Range(0, count).Select(i => new Sample([GradientCheck.Draw([1, Features], (seed * 10_000) + i)], isLabelled ? Tensor.Scalar(i == 7 && Odd is { } odd ? odd : i % Classes) : null));
    }
}
