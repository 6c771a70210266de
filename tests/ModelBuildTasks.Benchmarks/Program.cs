using System.CommandLine;
using ModelBuildTasks.Benchmarks;

RootCommand root = new("Measures what docs/BENCHMARKS.md states.")
{
    RealModels.Command(),
    AutoTable.Command(),
    StructuredPruningTable.Command(),
    SimplificationTable.Command(),
    TargetTable.Command(),
    QuantizationTime.Command(),
    QuantizationMemory.Command(),
    TrainingStep.Command(),
    WeightOnly.Command(),
    QuantizationTraining.Command(),
    PruningWeights.Command(),
    SurgeryTable.Command(),
    IterativePruningTable.Command(),
    LearnedRoundingTable.Command(),
    DistillationTable.Command(),
    CompressedSizes.Command(),
    TransformerIntegers.Command(),
    SimplificationMemory.Command(),
    Fuzz.Command(),
    BuildTime.Command(),
    IntervalCoverage.Command(),
    EvaluationSpeed.Command(),
    GateQuality.Command(),
    PreprocessingCost.Command(),
};
return root.Parse(args).Invoke();
