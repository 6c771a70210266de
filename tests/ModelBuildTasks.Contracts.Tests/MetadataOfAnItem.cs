using ModelBuildTasks.Contracts;

namespace ModelBuildTasks.Contracts.Tests;

[TestClass]
public sealed class MetadataOfAnItem
{
    [TestMethod]
    public void Nothing_written_means_the_defaults()
    {
        var reader = Read();

        Assert.IsEmpty(reader.Diagnostics);
        Assert.AreEqual(Precision.Auto, reader.Settings.Precision);
        Assert.IsNull(reader.Budgets.MaxSizeBytes);
    }

    [TestMethod]
    public void Values_are_read_in_any_case()
    {
        var reader = Read(("Precision", "int8"), ("Quantization", "DYNAMIC"), ("MaxSize", "400kb"), ("MaxLatency", "8ms"), ("MaxLatencyRatio", "0.7"));

        Assert.IsEmpty(reader.Diagnostics);
        Assert.AreEqual(Precision.Int8, reader.Settings.Precision);
        Assert.AreEqual(Quantization.Dynamic, reader.Settings.Quantization);
        Assert.AreEqual(400 * 1024, reader.Budgets.MaxSizeBytes);
        Assert.AreEqual(8, reader.Budgets.MaxLatencyMilliseconds);
        Assert.AreEqual(0.7, reader.Budgets.MaxLatencyRatio);
    }

    [TestMethod]
    [DataRow("Precision", "Int9", "MBT0001")]
    [DataRow("Precision", "3", "MBT0001")]
    [DataRow("Precision", "Int8, Int4", "MBT0001")]
    [DataRow("MaxSize", "small", "MBT0002")]
    [DataRow("MaxLatency", "8", "MBT0002")]
    [DataRow("MaxLatencyRatio", "0", "MBT0002")]
    [DataRow("Sparsity", "1.2", "MBT0002")]
    [DataRow("MaxAccuracyDrop", "-0.1", "MBT0002")]
    [DataRow("FineTune", "Distil", "MBT0001")]
    [DataRow("FineTuneEpochs", "0", "MBT0002")]
    [DataRow("FineTuneEpochs", "-3", "MBT0002")]
    [DataRow("FineTuneEpochs", "2.5", "MBT0002")]
    [DataRow("FineTuneEpochs", "many", "MBT0002")]
    [DataRow("FineTuneEpochs", "1e9", "MBT0002")]
    [DataRow("Format", "Orrt", "MBT0001")]
    public void A_bad_value_is_named_with_its_metadata_and_the_file(string metadata, string value, string code)
    {
        var diagnostic = Read((metadata, value)).Diagnostics.Single();

        Assert.AreEqual(code, diagnostic.Code);
        Assert.AreEqual("digits.onnx", diagnostic.File);
        StringAssert.Contains(diagnostic.Message, $"{metadata}=\"{value}\"");
    }

    [TestMethod]
    [DataRow("Int4", "Auto")]
    [DataRow("Int2", "WeightOnly")]
    [DataRow("Binary", "Auto")]
    [DataRow("Int8", "WeightOnly")]
    [DataRow("Auto", "WeightOnly")]
    public void Weights_alone_may_be_quantized(string precision, string quantization) =>
        Assert.IsEmpty(Read(("Precision", precision), ("Quantization", quantization)).Diagnostics);

    [TestMethod]
    public void All_bad_values_are_reported_at_once()
    {
        var codes = Read(("Precision", "Int9"), ("MaxSize", "small"), ("FineTuneEpochs", "0")).Diagnostics.Select(diagnostic => diagnostic.Code);

        CollectionAssert.AreEqual(new[] { "MBT0001", "MBT0002", "MBT0002" }, codes.ToArray());
    }

    [TestMethod]
    [DataRow("Quantization", "Static", "0")]
    [DataRow("Pruning", "SecondOrder", "0.5")]
    [DataRow("Pruning", "TwoFour", "0")]
    [DataRow("Pruning", "Surgery", "0.5")]
    public void What_is_found_by_samples_needs_calibration_data(string metadata, string value, string sparsity)
    {
        var diagnostic = Read((metadata, value), ("Sparsity", sparsity)).Diagnostics.Single();

        Assert.AreEqual("MBT0006", diagnostic.Code);
        StringAssert.Contains(diagnostic.Message, $"{metadata}=\"{value}\"");
    }

    [TestMethod]
    [DataRow("Teacher", "teacher.onnx")]
    [DataRow("Student", "student.onnx")]
    [DataRow("TrainingData", "data")]
    [DataRow("FineTuneEpochs", "3")]
    public void What_belongs_to_training_is_refused_without_it(string metadata, string value)
    {
        var diagnostic = Read((metadata, value)).Diagnostics.Single();

        Assert.AreEqual("MBT0003", diagnostic.Code);
        StringAssert.Contains(diagnostic.Message, $"{metadata} belongs to training");
    }

    [TestMethod]
    [DataRow("Distill", "MBT0018")]
    [DataRow("Auto", "MBT0018")]
    [DataRow("QuantizationAware", "MBT0006")]
    public void Training_needs_data(string fineTune, string code) => Assert.AreEqual(code, Read(("FineTune", fineTune)).Diagnostics.Single().Code);

    [TestMethod]
    public void Quantization_aware_training_needs_calibration_data_besides_training_data() =>
        Assert.AreEqual("MBT0006", Read(("FineTune", "QuantizationAware"), ("TrainingData", "data")).Diagnostics.Single().Code);

    [TestMethod]
    [DataRow("Distill")]
    [DataRow("Distill", "Pruning", "Structured", "Sparsity", "0.5", "Precision", "Float32", "TrainingData", "others", "CalibrationData", "")]
    [DataRow("Distill", "Student", "student.onnx", "Precision", "Float16")]
    [DataRow("Distill", "Pruning", "Magnitude", "Sparsity", "0.5", "Quantization", "WeightOnly", "Teacher", "teacher.onnx", "FineTuneEpochs", "20")]
    [DataRow("Auto")]
    [DataRow("Auto", "Pruning", "Auto", "EvaluationData", "others")]
    [DataRow("Auto", "Precision", "Float32", "Pruning", "Structured", "Sparsity", "0.5")]
    [DataRow("QuantizationAware")]
    [DataRow("QuantizationAware", "Precision", "Int8")]
    [DataRow("QuantizationAware", "Precision", "Int4", "Quantization", "Static")]
    [DataRow("QuantizationAware", "Quantization", "Static", "Pruning", "Structured", "Sparsity", "0.5")]
    public void Training_is_read(string fineTune, params string[] metadata)
    {
        var reader = Trained(fineTune, metadata);

        Assert.IsEmpty(reader.Diagnostics);
        Assert.AreEqual(Choice.Parse<FineTune>(fineTune), reader.Settings.FineTune);
    }

    [TestMethod]
    public void Rounds_of_training_are_read() => Assert.AreEqual(20, Trained("Distill", "FineTuneEpochs", "20").Settings.FineTuneEpochs);

    [TestMethod]
    public void Training_that_is_named_leaves_pruning_to_be_named() => Assert.AreEqual(Pruning.None, Trained("Distill", "EvaluationData", "others").Settings.Pruning);

    [TestMethod]
    [DataRow("QuantizationAware", "Precision", "Float32")]
    [DataRow("QuantizationAware", "Precision", "Float16")]
    [DataRow("QuantizationAware", "Precision", "Int4")]
    [DataRow("QuantizationAware", "Quantization", "None")]
    [DataRow("QuantizationAware", "Quantization", "Dynamic")]
    [DataRow("QuantizationAware", "Quantization", "WeightOnly")]
    [DataRow("QuantizationAware", "Pruning", "Auto", "EvaluationData", "others")]
    [DataRow("QuantizationAware", "Objective", "Size")]
    [DataRow("Distill", "Precision", "Float32")]
    [DataRow("Distill", "Quantization", "Dynamic")]
    [DataRow("Distill", "Pruning", "Auto", "EvaluationData", "others")]
    public void Training_that_has_nothing_to_give_back_is_refused(string fineTune, params string[] metadata) =>
        Assert.AreEqual("MBT0003", Trained(fineTune, metadata).Diagnostics.Single().Code);

    private static SettingsReader Trained(string fineTune, params string[] metadata) =>
        Read([.. metadata.Chunk(2).Select(pair => (pair[0], pair[1])), ("CalibrationData", "data"), ("FineTune", fineTune)]);

    [TestMethod]
    [DataRow("Precision", "Float32", "Quantization", "Dynamic")]
    [DataRow("Precision", "Int8", "Quantization", "None")]
    [DataRow("Precision", "Int4", "Quantization", "None")]
    [DataRow("Precision", "Int2", "Quantization", "Dynamic")]
    [DataRow("Precision", "Int4", "Quantization", "Dynamic")]
    [DataRow("Precision", "Binary", "Quantization", "Static", "CalibrationData", "data")]
    [DataRow("Precision", "Float16", "Quantization", "WeightOnly")]
    [DataRow("Pruning", "None", "Sparsity", "0.5")]
    [DataRow("Pruning", "Magnitude", "Sparsity", "0")]
    [DataRow("Pruning", "SecondOrder", "CalibrationData", "data")]
    [DataRow("Pruning", "Surgery", "CalibrationData", "data")]
    [DataRow("Pruning", "TwoFour", "Sparsity", "0.5", "CalibrationData", "data")]
    [DataRow("Pruning", "None", "PruningThreshold", "0.01")]
    [DataRow("Pruning", "Threshold", "PruningThreshold", "")]
    [DataRow("Pruning", "Threshold", "PruningThreshold", "0.1", "Sparsity", "0.5")]
    [DataRow("Pruning", "Structured", "PruningScope", "Local")]
    [DataRow("Pruning", "Magnitude", "Sparsity", "0.5", "Precision", "Binary")]
    [DataRow("Objective", "Size", "Precision", "Int8")]
    [DataRow("Objective", "Memory", "Quantization", "None")]
    [DataRow("Compress", "true", "Embed", "false")]
    [DataRow("MaxAccuracyDrop", "0.01", "EvaluationData", "")]
    [DataRow("MinAccuracy", "98", "Metric", "Top1", "EvaluationData", "data")]
    public void Contradictions_are_refused(params string[] metadata)
    {
        var diagnostic = Read([.. metadata.Chunk(2).Select(pair => (pair[0], pair[1]))]).Diagnostics.Single();

        Assert.AreEqual("MBT0003", diagnostic.Code);
    }

    [TestMethod]
    [DataRow("MaxAcuracyDrop", "MaxAccuracyDrop")]
    [DataRow("Prunning", "Pruning")]
    [DataRow("calibrationdata", null)]
    [DataRow("Link", null)]
    [DataRow("Visible", null)]
    [DataRow("CopyToOutputDirectory", null)]
    public void A_misspelt_name_finds_the_one_that_was_meant(string written, string? meant) =>
        Assert.AreEqual(meant, MetadataNames.NearestTo(written));

    [TestMethod]
    public void Layers_that_are_not_pruned_are_a_list_in_the_case_of_the_model()
    {
        var reader = Read(("Pruning", "Structured"), ("PruningExclude", "head*; /conv1/Conv;;head*"));

        Assert.IsEmpty(reader.Diagnostics);
        Assert.AreEqual("/conv1/Conv, head*", string.Join(", ", reader.Settings.PruningExclude));
    }

    [TestMethod]
    [DataRow("CalibrationData", "MBT0003")]
    [DataRow("EvaluationData", "MBT0006")]
    [DataRow("", "MBT0006, MBT0003")]
    public void Pruning_of_our_choice_needs_data_to_refit_to_and_others_to_judge_by(string given, string codes) =>
        Assert.AreEqual(codes, string.Join(", ", Read(("Pruning", "Auto"), (given, "data")).Diagnostics.Select(diagnostic => diagnostic.Code)));

    [TestMethod]
    [DataRow(Pruning.Auto)]
    [DataRow(Pruning.Auto, "Precision", "auto")]
    [DataRow(Pruning.Auto, "PruningExclude", "head*")]
    [DataRow(Pruning.Auto, "Objective", "Size")]
    [DataRow(Pruning.None, "Pruning", "None")]
    [DataRow(Pruning.Structured, "Pruning", "Structured")]
    [DataRow(Pruning.None, "Precision", "Float32")]
    [DataRow(Pruning.None, "Quantization", "Static")]
    [DataRow(Pruning.None, "PruningScope", "Global")]
    [DataRow(Pruning.None, "CalibrationData", " ")]
    [DataRow(Pruning.None, "EvaluationData", "")]
    public void Pruning_is_our_choice_where_the_numbers_are_and_both_data_sets_are_there(Pruning pruning, params string[] metadata)
    {
        var reader = Read([.. metadata.Chunk(2).Select(pair => (pair[0], pair[1])), ("CalibrationData", "data"), ("EvaluationData", "others")]);

        Assert.IsEmpty(reader.Diagnostics);
        Assert.AreEqual(pruning, reader.Settings.Pruning);
    }

    [TestMethod]
    [DataRow("Sparsity", "0.5", "Sparsity asks for a share of the weights, Pruning is \"None\"")]
    [DataRow("PruningThreshold", "0.1", "PruningThreshold belongs to Pruning=\"Threshold\", Pruning is \"None\"")]
    public void What_belongs_to_a_kind_of_pruning_needs_one_whatever_data_there_is(string metadata, string value, string message) =>
        StringAssert.Contains(Read((metadata, value), ("CalibrationData", "data"), ("EvaluationData", "others")).Diagnostics.Single().Message, message);

    [TestMethod]
    [DataRow("Latency", "Precision", "Int8")]
    [DataRow("Accuracy", "Precision", "Int8")]
    [DataRow("Size", "Calibration", "MinMax")]
    [DataRow("Memory", "Pruning", "Structured")]
    public void An_objective_needs_forms_to_choose_from_unless_any_form_is_the_best_of_one(string objective, string metadata, string value) =>
        Assert.IsEmpty(Read(("Objective", objective), (metadata, value)).Diagnostics);

    [TestMethod]
    public void Pruning_of_our_choice_is_enough_to_choose_from() =>
        Assert.IsEmpty(Read(("Objective", "Size"), ("Precision", "Int8"), ("Pruning", "Auto"), ("CalibrationData", "data"), ("EvaluationData", "others")).Diagnostics);

    [TestMethod]
    public void Pruning_of_our_choice_takes_no_share() =>
        Assert.AreEqual("MBT0003", Read(("Pruning", "Auto"), ("Sparsity", "0.5"), ("CalibrationData", "data"), ("EvaluationData", "others")).Diagnostics.Single().Code);

    [TestMethod]
    public void Layers_that_are_not_pruned_need_a_kind_of_pruning() =>
        Assert.AreEqual("MBT0003", Read(("PruningExclude", "head*")).Diagnostics.Single().Code);

    [TestMethod]
    public void Disabled_rules_are_a_list_in_any_case_and_order()
    {
        var reader = Read(("DisabledRules", "matmuladdtogemm; FoldShape ;;foldshape"));

        Assert.IsEmpty(reader.Diagnostics);
        Assert.AreEqual("FoldShape, MatMulAddToGemm", string.Join(", ", reader.Settings.DisabledRules));
    }

    [TestMethod]
    public void An_unknown_rule_is_answered_with_the_nearest_and_all_the_others()
    {
        var diagnostic = Read(("DisabledRules", "FoldShape;FoldBatchNorm")).Diagnostics.Single();

        Assert.AreEqual("MBT0001", diagnostic.Code);
        StringAssert.Contains(diagnostic.Message, "DisabledRules=\"FoldBatchNorm\" is not known; expected one of FoldBatchNormalization (the nearest), FixedInitializers,");
        StringAssert.Contains(diagnostic.Message, "MergeDuplicateInitializers");
    }

    private static SettingsReader Read(params (string Name, string Value)[] metadata) =>
        SettingsReader.Read("digits", "digits.onnx", name => metadata.FirstOrDefault(pair => pair.Name == name).Value);
}
