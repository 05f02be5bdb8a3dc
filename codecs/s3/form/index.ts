/** Uploads by a posted form: how it is framed. Who signed it and what it may say ../signature/form.ts and ../post-policy.ts. */
export { FormDecoder, type FormSink, formBoundary } from './form-decoder.ts'
