using ModelBuildTasks.Onnx.Schema;

namespace ModelBuildTasks.Onnx;

/// <summary>What a model held at some time; see <see cref="Model.TakeSnapshot"/>.</summary>
public sealed class ModelSnapshot
{
    internal ModelSnapshot(ModelProto proto) => Proto = proto;

    internal ModelProto Proto { get; }
}
