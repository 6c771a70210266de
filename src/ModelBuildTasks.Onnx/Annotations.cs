using System.Collections;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using ModelBuildTasks.Onnx.Schema;

namespace ModelBuildTasks.Onnx;

/// <summary>Notes beside the parts of a model, which exporters leave and no runtime reads.</summary>
internal static class Annotations
{
    private const string Field = "metadata_props";

    /// <summary>Clears them in every message below <paramref name="model"/>, whose own stay: they were there before IR version 10.</summary>
    internal static void Remove(ModelProto model) => RemoveBelow(model);

    private static void RemoveBelow(IMessage message)
    {
        foreach (FieldDescriptor field in message.Descriptor.Fields.InFieldNumberOrder().Where(field => field.FieldType == FieldType.Message))
        {
            object? value = field.Accessor.GetValue(message);
            if (field.Name == Field && message is not ModelProto)
            {
                field.Accessor.Clear(message);
            }
            else if (value is IMessage one)
            {
                RemoveBelow(one);
            }
            else if (value is IList many)
            {
                foreach (IMessage each in many)
                {
                    RemoveBelow(each);
                }
            }
        }
    }
}
