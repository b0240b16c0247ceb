using Azure;
using Azure.Core;
using Azure.Core.Pipeline;

namespace Ddm.Storage;

/// <summary>Counts the tries of a request of which nobody can say whether they took effect: those without a reply, and server errors other than "busy".</summary>
internal sealed class UnknownOutcomes
{
    /// <summary>Under which a request carries its counter.</summary>
    public const string Key = "ddm-unknown-outcomes";

    private int _count;

    public int Count => _count;

    /// <summary>Sees every try; to be added for each retry.</summary>
    public sealed class Policy : HttpPipelinePolicy
    {
        public override async ValueTask ProcessAsync(HttpMessage message, ReadOnlyMemory<HttpPipelinePolicy> pipeline)
        {
            var known = false;
            try
            {
                await ProcessNextAsync(message, pipeline);
                known = IsKnown(message.Response);
            }
            finally
            {
                Count(message, known);
            }
        }

        public override void Process(HttpMessage message, ReadOnlyMemory<HttpPipelinePolicy> pipeline)
        {
            var known = false;
            try
            {
                ProcessNext(message, pipeline);
                known = IsKnown(message.Response);
            }
            finally
            {
                Count(message, known);
            }
        }

        private static bool IsKnown(Response reply) => reply.Status is < 500 and not 408 || (reply.Headers.TryGetValue("x-ms-error-code", out var code) && code == "ServerBusy");

        private static void Count(HttpMessage message, bool known)
        {
            if (!known && message.TryGetProperty(Key, out var counter) && counter is UnknownOutcomes outcomes)
            {
                Interlocked.Increment(ref outcomes._count);
            }
        }
    }
}
